/* SPDX-License-Identifier: Apache-2.0
 *
 * load.c - values of a file into the parameters of a network, and the report of what became of each.
 */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/glob.h"
#include "interchange/weights/weights_internal.h"

enum { ARENA_BLOCK = 1 << 14, LIST_BYTES = 640, SHAPE_BYTES = 96 };

/* dst[a][b][r][s] = src[r][s][b][a]; a and b of the parameter. */
static void from_hwio(const fv_shape *to, const float *src, float *dst)
{
    const int64_t *n = to->size;
    for (int64_t a = 0; a < n[0]; a++)
        for (int64_t b = 0; b < n[1]; b++)
            for (int64_t r = 0; r < n[2]; r++)
                for (int64_t s = 0; s < n[3]; s++)
                    *dst++ = src[((r * n[3] + s) * n[1] + b) * n[0] + a];
}

/* dst[c*m+j][0][r][s] = src[r][s][c][j]: the same numbers of filters in the same order, behind the pixels. */
static void from_depthwise(const fv_shape *to, const float *src, float *dst)
{
    const int64_t area = to->size[2] * to->size[3];
    for (int64_t k = 0; k < to->size[0]; k++)
        for (int64_t i = 0; i < area; i++)
            *dst++ = src[i * to->size[0] + k];
}

/* Where element (c, h, w) of a flattened image lies when its channels come last. */
static int64_t channels_last(const fv_image_shape *image, int64_t index)
{
    const int64_t area = (int64_t)image->h * image->w;
    return index % area * image->c + index / area;
}

static void from_dense(const fv_shape *to, const fv_image_shape *image, const float *src, float *dst)
{
    const int64_t units = to->size[0], inputs = to->size[1];
    const bool whole = (int64_t)image->c * image->h * image->w == inputs;
    for (int64_t u = 0; u < units; u++)
        for (int64_t i = 0; i < inputs; i++)
            *dst++ = src[(whole ? channels_last(image, i) : i) * units + u];
}

static void reorder(const fvi_match *match, const fv_param_info *info, const float *src, float *dst)
{
    switch (match->axes) {
    case FVI_AXES_HWIO:
        from_hwio(&info->shape, src, dst);
        break;
    case FVI_AXES_DEPTHWISE:
        from_depthwise(&info->shape, src, dst);
        break;
    case FVI_AXES_DENSE:
        from_dense(&info->shape, &match->image, src, dst);
        break;
    case FVI_AXES_FEATURES:
        for (int64_t i = 0; i < info->elements; i++)
            dst[i] = src[channels_last(&match->image, i)];
        break;
    case FVI_AXES_SAME:
        memcpy(dst, src, (size_t)info->elements * sizeof *dst);
        break;
    }
}

static fv_status load_parameter(fv_params *params, int32_t index, fv_weights *weights, const fvi_match *match)
{
    const fv_param_info info = fv_params_info(params, index);
    const size_t count = (size_t)info.elements;
    float *values = fv_params_values(params, index), *read = values, *ordered = values;
    const bool f64 = fv_params_dtype(params) == FV_F64, aside = match->axes != FVI_AXES_SAME;
    float *memory = NULL;
    if (f64 || aside) { /* as it is read, and as it shall be */
        memory = fvi_allocate_zeroed(weights->context, 2 * count, sizeof *memory);
        if (memory == NULL)
            return fvi_out_of_memory(weights->context, "a tensor", 2 * count * sizeof *memory);
        read = memory;
        ordered = f64 ? memory + count : values;
    }
    const fv_status status = fv_weights_read(weights, match->tensor, read);
    if (status == FV_OK && memory != NULL)
        reorder(match, &info, read, ordered);
    for (size_t i = 0; status == FV_OK && f64 && i < count; i++)
        ((double *)fv_params_values(params, index))[i] = (double)ordered[i];
    fvi_release(weights->context, memory);
    return status;
}

static fv_weights_outcome outcome_of(const fvi_match *match, bool left, bool fresh_head)
{
    if (left)
        return FV_WEIGHT_LEFT;
    if (match->head && fresh_head)
        return FV_WEIGHT_HEAD;
    if (match->tensor >= 0 && match->fits)
        return FV_WEIGHT_LOADED;
    if (match->head)
        return FV_WEIGHT_HEAD;
    return match->tensor < 0 ? FV_WEIGHT_MISSING : FV_WEIGHT_MISSHAPED;
}

static void count_item(fv_weights_report *report, fv_weights_item *items, const fv_weights_item *item)
{
    items[report->count++] = *item;
    report->counts[item->outcome]++;
}

static fv_status copy_name(fvi_arena *arena, fv_context *context, const char *name, const char **copy)
{
    *copy = fvi_arena_text(arena, name);
    return *copy != NULL ? FV_OK : fvi_out_of_memory(context, "a report", strlen(name));
}

/* Items for every parameter and every tensor that is nobody's. */
static fv_status make_report(fv_weights *weights, const fvi_matching *m, const fv_weights_options *options)
{
    const int32_t params = m->names.count;
    fv_weights_report *report = &weights->report;
    fv_weights_item *items =
        fvi_arena_allocate(m->arena, ((size_t)params + (size_t)weights->count) * sizeof *items + 1);
    if (items == NULL)
        return fvi_out_of_memory(weights->context, "a report", 0);
    *report =
        (fv_weights_report){ .items = items, .layout = m->layout, .renamed = m->renamed, .by_order = m->by_order };
    for (int32_t i = 0; i < params; i++) {
        const fv_param_info info = fv_params_info(m->params, i);
        const fvi_match *match = &m->match[i];
        fv_weights_item item = { .outcome =
                                     outcome_of(match, fvi_glob_list(options->leave, info.name), options->fresh_head),
                                 .shape = info.shape };
        FV_TRY(copy_name(m->arena, weights->context, info.name, &item.parameter));
        if (match->tensor >= 0) {
            item.tensor = weights->tensors[match->tensor].name;
            item.stored = weights->tensors[match->tensor].shape;
        }
        if (item.outcome == FV_WEIGHT_LOADED) {
            report->values += info.elements;
            report->converted += strcmp(weights->tensors[match->tensor].dtype, "F32") != 0;
        }
        count_item(report, items, &item);
    }
    for (int32_t i = 0; i < weights->count; i++) {
        const fv_weights_tensor *tensor = &weights->tensors[i];
        const bool ignored = fvi_names_ignored(&m->names, tensor->name);
        const fv_weights_item item = { .outcome = ignored ? FV_WEIGHT_IGNORED : FV_WEIGHT_UNEXPECTED,
                                       .tensor = tensor->name,
                                       .stored = tensor->shape };
        if (!m->used[i])
            count_item(report, items, &item);
    }
    return FV_OK;
}

static const char *shape_text(const fv_shape *shape, char text[SHAPE_BYTES])
{
    size_t used = (size_t)snprintf(text, SHAPE_BYTES, "[");
    for (int32_t i = 0; i < shape->rank && used < SHAPE_BYTES - 24; i++)
        used +=
            (size_t)snprintf(text + used, SHAPE_BYTES - used, "%s%lld", i > 0 ? "," : "", (long long)shape->size[i]);
    snprintf(text + used, SHAPE_BYTES - used, "]");
    return text;
}

/* "3 missing: a, b, ..." behind what is in list. */
static void append_items(char list[LIST_BYTES], const fv_weights_report *report, fv_weights_outcome outcome,
                         const char *what, int most)
{
    char shape[SHAPE_BYTES], stored[SHAPE_BYTES];
    size_t used = strlen(list);
    int shown = 0;
    if (report->counts[outcome] == 0)
        return;
    used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s%d %s:", used > 0 ? "; " : "",
                             (int)report->counts[outcome], what);
    for (int32_t i = 0; i < report->count && shown < most && used < LIST_BYTES; i++) {
        const fv_weights_item *item = &report->items[i];
        if (item->outcome != outcome)
            continue;
        if (outcome == FV_WEIGHT_MISSHAPED)
            used +=
                (size_t)snprintf(list + used, LIST_BYTES - used, "%s %.80s %s, the file has %s", shown > 0 ? "," : "",
                                 item->parameter, shape_text(&item->shape, shape), shape_text(&item->stored, stored));
        else
            used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s %.80s", shown > 0 ? "," : "",
                                     item->parameter != NULL ? item->parameter : item->tensor);
        shown++;
    }
    if (used < LIST_BYTES && shown < report->counts[outcome])
        snprintf(list + used, LIST_BYTES - used, ", ...");
}

static fv_status check_report(const fv_weights *weights, const fv_params *params)
{
    char list[LIST_BYTES] = "";
    const fv_weights_report *report = &weights->report;
    const bool nothing = report->counts[FV_WEIGHT_LOADED] == 0;
    append_items(list, report, FV_WEIGHT_MISSHAPED, "misshaped", 2);
    append_items(list, report, FV_WEIGHT_MISSING, "missing", 3);
    append_items(list, report, FV_WEIGHT_UNEXPECTED, "unexpected", 3);
    if (list[0] == '\0')
        return FV_OK;
    return fvi_fail(weights->context, FV_ERR_SHAPE, "'%s' does not fit network '%s'%s: %s", weights->path,
                    fv_graph_name(fv_params_graph(params)),
                    nothing ? ": no tensor has a name and shape of its parameters" : "", list);
}

/* In the order of the file, which may be readable from front to back only. */
static fv_status load_parameters(fv_params *params, fv_weights *weights, const fvi_matching *m)
{
    int32_t *taker = fvi_arena_allocate(m->arena, (size_t)weights->count * sizeof *taker + 1);
    if (taker == NULL)
        return fvi_out_of_memory(weights->context, "a list of tensors", (size_t)weights->count * sizeof *taker);
    for (int32_t i = 0; i < weights->count; i++)
        taker[i] = -1;
    for (int32_t i = 0; i < m->names.count; i++)
        if (weights->report.items[i].outcome == FV_WEIGHT_LOADED)
            taker[m->match[i].tensor] = i;
    for (int32_t i = 0; i < weights->count; i++)
        if (taker[i] >= 0)
            FV_TRY(load_parameter(params, taker[i], weights, &m->match[taker[i]]));
    return FV_OK;
}

static fv_status load(fv_params *params, fv_weights *weights, const fv_weights_options *options)
{
    fvi_matching matching;
    FV_TRY(fvi_weights_match(&matching, params, weights, options->layout, weights->report_memory));
    FV_TRY(make_report(weights, &matching, options));
    if (!options->partial)
        FV_TRY(check_report(weights, params));
    return load_parameters(params, weights, &matching);
}

fv_status fv_weights_load(fv_params *params, fv_weights *weights, const fv_weights_options *options)
{
    const fv_weights_options given = options != NULL ? *options : (fv_weights_options){ 0 };
    if (weights->report_memory != NULL)
        fvi_arena_destroy(weights->report_memory);
    weights->report_memory = NULL;
    weights->report = (fv_weights_report){ 0 };
    FV_TRY(fvi_arena_create(&weights->report_memory, weights->context, ARENA_BLOCK));
    return load(params, weights, &given);
}

fv_weights_report fv_weights_report_of(const fv_weights *weights)
{
    return weights->report;
}
