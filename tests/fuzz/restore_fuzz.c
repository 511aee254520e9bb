/* SPDX-License-Identifier: Apache-2.0
 *
 * restore_fuzz.c - checkpoints: of made-up bytes, and, since a checksum keeps most of those from getting far, checkpoints that are whole but for
 * the state, which is the input where that begins with '{'. What is refused changes nothing and says why; what is taken can be trained on with and
 * saved.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { IMAGES = 5, CLASSES = 2, PIXELS = 4 };

typedef struct run {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_dataset *data;
    fv_trainer *trainer;
} run;

static void must(fv_status status)
{
    if (status != FV_OK)
        abort();
}

/* Where this process saves. */
static const char *saved_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/dev/shm/fovea-restore-fuzz-%ld", (long)getpid());
    return path;
}

static void begin(run *r)
{
    fv_value x, loss;
    uint8_t images[IMAGES * PIXELS];
    int32_t labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        memset(images + (size_t)i * PIXELS, 50 * i, PIXELS);
    }
    const fv_input_options input = { .shape = { 1, 2, 2 } };
    r->context = fuzz_context();
    must(fv_graph_create(&r->graph, r->context, "tiny"));
    must(fv_graph_add_input(r->graph, &input, &x));
    must(fv_graph_add_dense(r->graph, x, &(fv_dense_options){ .units = CLASSES }, &x));
    must(fv_graph_add_softmax_cross_entropy(r->graph, x, NULL, &loss));
    must(fv_graph_finish(r->graph, x));
    must(fv_params_create(&r->params, r->graph, FV_F32));
    fv_params_initialize(r->params, 1);
    must(fv_dataset_from_arrays(&r->data, r->context, images, labels, IMAGES, (fv_image_shape){ 1, 2, 2 }, CLASSES,
                                NULL));
    const fv_train_options options = { .epochs = 3,
                                       .batch = 2,
                                       .optimizer = { .kind = FV_OPTIMIZER_ADAM },
                                       .schedule = { .kind = FV_SCHEDULE_PLATEAU, .patience = 1 },
                                       .preprocess = fv_preprocess_fit(r->graph, r->data) };
    must(fv_trainer_create(&r->trainer, r->graph, r->params, r->data, NULL, &options));
}

static void end(run *r)
{
    fv_trainer_destroy(r->trainer);
    fv_dataset_destroy(r->data);
    fv_params_destroy(r->params);
    fv_graph_destroy(r->graph);
    fv_context_destroy(r->context);
}

/* A checkpoint after an epoch, with `state` (a text) as its state: header length, header, tensors. The header's own checksum goes: files without
 * one are taken as they are. Returns its bytes, which the caller frees. */
static uint8_t *with_state(const uint8_t *state, size_t state_size, size_t *size)
{
    static uint8_t saved[1 << 16];
    static size_t saved_size;
    if (saved_size == 0) {
        run r;
        begin(&r);
        must(fv_trainer_epoch(r.trainer, NULL));
        must(fv_trainer_save(r.trainer, saved_path(), NULL));
        FILE *file = fopen(saved_path(), "rb");
        if (file == NULL)
            abort();
        saved_size = fread(saved, 1, sizeof saved, file);
        fclose(file);
        remove(saved_path());
        end(&r);
    }
    uint64_t length = 0;
    memcpy(&length, saved, sizeof length);
    json_t *header = json_loadb((const char *)saved + 8, (size_t)length, 0, NULL);
    json_t *metadata = json_object_get(header, "__metadata__");
    json_object_del(metadata, "header_checksum");
    json_t *text = json_stringn((const char *)state, state_size);
    if (metadata == NULL || text == NULL) { /* not UTF-8 */
        json_decref(header);
        json_decref(text);
        return NULL;
    }
    json_object_set_new(metadata, "training", text);
    char *dump = json_dumps(header, JSON_COMPACT);
    const size_t tensors = saved_size - 8 - (size_t)length;
    length = strlen(dump);
    *size = 8 + (size_t)length + tensors;
    uint8_t *bytes = malloc(*size);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, dump, (size_t)length);
    memcpy(bytes + 8 + length, saved + saved_size - tensors, tensors);
    free(dump);
    json_decref(header);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    run r;
    char before[17], after[17];
    size_t made_size = 0;
    uint8_t *made = size > 0 && bytes[0] == '{' ? with_state(bytes, size, &made_size) : NULL;
    begin(&r);
    fv_params_hash(r.params, before);
    const fv_status status =
        fv_trainer_restore(r.trainer, fuzz_file(made != NULL ? made : bytes, made != NULL ? made_size : size));
    free(made);
    if (status != FV_OK) {
        const fv_epoch_record *records = NULL;
        fv_params_hash(r.params, after);
        if (strcmp(before, after) != 0 || fv_trainer_message(r.trainer)[0] == '\0' ||
            fv_trainer_records(r.trainer, &records) != 0)
            abort();
    } else {
        while (!fv_trainer_done(r.trainer) && fv_trainer_epoch(r.trainer, NULL) == FV_OK)
            ;
        must(fv_trainer_save(r.trainer, saved_path(), NULL));
        must(fv_trainer_restore(r.trainer, saved_path()));
        remove(saved_path());
    }
    end(&r);
    return 0;
}
