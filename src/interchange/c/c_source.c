/* SPDX-License-Identifier: Apache-2.0
 *
 * c_source.c - fv_c_source_write(): from a model to the functions of a program. c_files.c puts them into files.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/inference_form.h"
#include "fovea/session.h"
#include "interchange/c/c_files.h"
#include "interchange/c/c_fixed.h"
#include "interchange/c/c_weights.h"

enum { ARENA_BLOCK = 65536 };

void fvi_c_need(fvi_c_program *program, fvi_c_helper helper)
{
    program->helpers |= (uint64_t)1 << helper;
}

/* Letters, digits and underscores of text, at most room - 1 of them; others become underscores. */
static void make_identifier(const char *text, char *identifier, size_t room)
{
    size_t used = 0;
    for (; text[used] != '\0' && used + 1 < room; used++)
        identifier[used] = isalnum((unsigned char)text[used]) ? text[used] : '_';
    identifier[used] = '\0';
}

/* Names of the source's own functions: a layer of such a name gets a number behind. */
static bool is_taken(const fvi_c_program *program, int32_t node, const char *name)
{
    static const char *const own[] = { "predict",       "predict_with", "memory",    "value",
                                       "static_memory", "preprocess",   "self_test", "class_name",
                                       "init",          "init_with",    "blob" };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    for (int32_t i = 0; i < node; i++)
        if (strcmp(program->names[i], name) == 0)
            return true;
    return false;
}

/* Whether a name ends like that of a constant, <node>_<word>. */
static bool is_like_constant(const char *name)
{
    static const char *const words[] = { "_weight", "_bias",  "_scale", "_slope", "_code", "_table", "_factor",
                                         "_shift",  "_upper", "_lower", "_down",  "_left", "_right", "_across" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t length = strlen(name), end = strlen(words[i]);
        if (length >= end && strcmp(name + length - end, words[i]) == 0)
            return true;
    }
    return false;
}

static void name_nodes(fvi_c_program *program)
{
    enum { ROOM = FVI_C_NAME - 20 };
    for (int32_t i = 0; i < program->node_count; i++) {
        char *name = program->names[i], base[ROOM];
        make_identifier(program->nodes[i].name, base, sizeof base);
        snprintf(name, FVI_C_NAME, "%s%s", base, is_like_constant(base) ? "_layer" : "");
        for (int number = 2; is_taken(program, i, name); number++)
            snprintf(name, FVI_C_NAME, "%s_layer_%d", base, number);
    }
}

/* The name of what the source offers: given, or the path's last part. */
static fv_status choose_name(fvi_c_program *program, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = program->options->name != NULL ? program->options->name : slash != NULL ? slash + 1 : path;
    const size_t length = strlen(base);
    if (length == 0 || length >= FVI_C_NAME / 2)
        return fvi_fail(program->context, FV_ERR_ARGUMENT,
                        "'%s': the name of a C source has 1 to %d characters; give another", base, FVI_C_NAME / 2 - 1);
    make_identifier(base, program->name, sizeof program->name);
    const bool given = program->options->name != NULL;
    if (isdigit((unsigned char)base[0]) || base[0] == '_' || (given && strcmp(program->name, base) != 0))
        return fvi_fail(program->context, FV_ERR_ARGUMENT,
                        "'%s' cannot begin names in C: letters, digits and underscores, a letter first", base);
    for (size_t i = 0; i <= length; i++)
        program->upper[i] = (char)toupper((unsigned char)program->name[i]);
    return FV_OK;
}

void fvi_c_pointer(const fvi_c_program *program, fv_value value, char text[FVI_C_WORD])
{
    static const char *const bases[] = { "", "input", "output", "values" };
    const fvi_c_place *place = &program->places[value];
    if (place->at == 0)
        snprintf(text, FVI_C_WORD, "%s", bases[place->memory]);
    else
        snprintf(text, FVI_C_WORD, "%s + %lld", bases[place->memory], (long long)place->at);
}

bool fvi_c_overwrites(const fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_c_place *x = &program->places[fvi_c_node(program, step)->inputs[0]];
    const fvi_c_place *y = &program->places[step->result];
    return x->memory == y->memory && x->at == y->at;
}

static void set_shape(fvi_c_words *words, fv_image_shape in, fv_image_shape out)
{
    fvi_c_set(words, "channels", in.c);
    fvi_c_set(words, "h", in.h);
    fvi_c_set(words, "w", in.w);
    fvi_c_set(words, "plane", (int64_t)in.h * in.w);
    fvi_c_set(words, "size", fvi_c_elements(in));
    fvi_c_set(words, "filters", out.c);
    fvi_c_set(words, "oh", out.h);
    fvi_c_set(words, "ow", out.w);
    fvi_c_set(words, "out_size", fvi_c_elements(out));
}

void fvi_c_begin(const fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words)
{
    const fvi_node *node = fvi_c_node(program, step);
    words->count = 0;
    words->constants_before = program->constant_count;
    set_shape(words, node->in[0], node->out);
    fvi_c_set_text(words, "function", "%s_%s", program->name, program->names[step->node]);
    fvi_c_set_text(words, "real", fvi_c_fixed(program) ? "int16_t" : "float");
    fvi_c_set_text(words, "x", fvi_c_overwrites(program, step) ? "y" : node->input_count > 1 ? "x1" : "x");
}

/* A name as it may stand in a comment: no end of it, no trigraph, no backslash. */
static void append_name(fvi_text_buffer *out, const char *name)
{
    char text[FVI_C_NAME] = "";
    for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof text; i++) {
        text[i] = strchr("*\\?", name[i]) != NULL ? '.' : name[i];
        text[i + 1] = '\0';
    }
    fvi_text_append(out, text);
}

/* "conv1: conv2d 1x28x28 -> 6x28x28, then relu" */
void fvi_c_describe(const fvi_c_program *program, const fvi_c_step *step, fvi_text_buffer *out)
{
    const fvi_node *node = fvi_c_node(program, step);
    append_name(out, node->name);
    fvi_text_format(out, ": %s", node->layer->name);
    for (int32_t i = 0; i < node->input_count; i++)
        fvi_text_format(out, "%s%dx%dx%d", i == 0 ? " " : " and ", node->in[i].c, node->in[i].h, node->in[i].w);
    fvi_text_format(out, " -> %dx%dx%d", node->out.c, node->out.h, node->out.w);
    if (step->activation != FV_NO_VALUE)
        fvi_text_format(out, ", then %s", program->nodes[step->activation].layer->name);
}

/* The parameters of a function: its inputs (the first is y where it is overwritten), its output, the blob. */
static void write_head(fvi_c_program *program, const fvi_c_step *step, const fvi_c_words *words)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool overwrites = fvi_c_overwrites(program, step), several = node->input_count > 1;
    const bool blob = program->options->blob && program->constant_count > words->constants_before;
    const char *const real = fvi_c_word(words, "real"), *const apart = overwrites ? "" : "restrict ";
    fvi_text_buffer *out = &program->functions;
    fvi_text_format(out, "static void %s(", fvi_c_word(words, "function"));
    for (int32_t i = overwrites; i < node->input_count; i++)
        fvi_text_format(out, several ? "const %s *%sx%d, " : "const %s *%sx, ", real, several ? "" : apart, i + 1);
    fvi_text_format(out, "%s *%sy%s)\n", real, several ? "" : apart, blob ? ", const unsigned char *blob" : "");
}

static void write_call(fvi_c_program *program, const fvi_c_step *step, const fvi_c_words *words)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool blob = program->options->blob && program->constant_count > words->constants_before;
    fvi_text_buffer *out = &program->calls;
    char pointer[FVI_C_WORD];
    fvi_text_format(out, "    %s(", fvi_c_word(words, "function"));
    for (int32_t i = fvi_c_overwrites(program, step); i < node->input_count; i++) {
        fvi_c_pointer(program, node->inputs[i], pointer);
        fvi_text_format(out, "%s, ", pointer);
    }
    fvi_c_pointer(program, step->result, pointer);
    fvi_text_format(out, "%s%s);\n", pointer, blob ? ", memory->blob" : "");
}

fv_status fvi_c_end(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const char *template)
{
    fvi_text_append(&program->functions, "/* ");
    fvi_c_describe(program, step, &program->functions);
    fvi_text_append(&program->functions, " */\n");
    write_head(program, step, words);
    fvi_c_expand(&program->functions, template, words);
    fvi_text_append(&program->functions, "\n");
    write_call(program, step, words);
    return program->functions.status != FV_OK ? program->functions.status : program->calls.status;
}

/* The step's function, and in fixed point its form there. */
static fv_status write_steps(fvi_c_program *program)
{
    for (int32_t s = 0; s < program->step_count; s++) {
        const fvi_c_step *step = &program->steps[s];
        const fvi_c_layer *layer = fvi_c_layer_of(fvi_c_node(program, step)->layer);
        FV_TRY((fvi_c_fixed(program) ? layer->write_fixed : layer->write)(program, step));
    }
    const fv_value output = fv_graph_output(program->graph);
    if (program->places[output].memory != FVI_C_OUTPUT) {
        char from[FVI_C_WORD];
        fvi_c_pointer(program, output, from);
        fvi_text_format(&program->calls, "    copy(%lld, %s, output);\n",
                        (long long)fvi_c_elements(program->nodes[output].out), from);
        fvi_c_need(program, FVI_C_COPY);
    }
    return program->calls.status;
}

/* Weights become what int8 can tell of them, so that what the library computes with them is what the source computes. */
static fv_status round_weights(fvi_c_program *program)
{
    for (int32_t i = 0; i < program->node_count; i++) {
        const fvi_node *node = &program->nodes[i];
        const char *const type = node->layer->name;
        const bool turned = strcmp(type, "conv2d_transpose") == 0;
        if (strcmp(type, "conv2d") != 0 && strcmp(type, "dense") != 0 && !turned)
            continue;
        FV_TRY(fvi_c_round_weights(program, node));
    }
    return FV_OK;
}

/* What the library answers to the self-test's image. */
static fv_status find_expected(fvi_c_program *program)
{
    const fv_image_shape in = fv_graph_node(program->graph, fv_graph_input(program->graph)).output;
    const int64_t outputs = fvi_c_elements(program->nodes[fv_graph_output(program->graph)].out);
    const fv_plan_options planning = { .batch = 1, .mode = FV_PREDICT };
    void *image = NULL, *answer = NULL;
    FV_TRY(fvi_c_allocate(program, fvi_c_elements(in), sizeof(float), &image));
    FV_TRY(fvi_c_allocate(program, outputs, sizeof(float), &answer));
    fvi_c_test_image(program, image);
    const fv_batch batch = { .n = 1, .images = image, .dtype = FV_F32, .order = FV_NCHW };
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_status status = fv_plan_create(&plan, program->graph, &planning);
    if (status == FV_OK)
        status = fv_session_create(&session, plan, program->params);
    if (status == FV_OK) {
        status = fv_session_forward(session, &batch, NULL);
        if (status == FV_OK)
            status = fv_session_read(session, fv_graph_output(program->graph), answer, (size_t)outputs);
        if (status != FV_OK)
            (void)fvi_fail(program->context, status, "%s", fv_session_message(session));
    }
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    for (int64_t i = 0; status == FV_OK && i < outputs; i++)
        if (!isfinite(((const float *)answer)[i]))
            return fvi_fail(program->context, FV_ERR_NUMERIC, "graph '%s' answers %g to the self-test's image",
                            fv_graph_name(program->graph), (double)((const float *)answer)[i]);
    program->expected = answer;
    return status;
}

static fv_status make_program(fvi_c_program *program, const char *path, size_t *source_bytes)
{
    FV_TRY(choose_name(program, path));
    FV_TRY(fvi_arena_create(&program->arena, program->context, ARENA_BLOCK));
    program->nodes = fvi_graph_nodes(program->graph, &program->node_count);
    FV_TRY(fvi_c_allocate(program, program->node_count, sizeof *program->names, (void **)&program->names));
    name_nodes(program);
    FV_TRY(fvi_c_check_layers(program));
    if (program->options->arithmetic == FV_C_INT8_WEIGHTS)
        FV_TRY(round_weights(program));
    FV_TRY(fvi_c_plan(program));
    if (fvi_c_fixed(program))
        FV_TRY(fvi_c_calibrate(program));
    FV_TRY(write_steps(program));
    if (!program->options->no_self_test)
        FV_TRY(find_expected(program));
    return fvi_c_write_files(program, path, source_bytes);
}

static void fill_report(const fvi_c_program *program, size_t source_bytes, fv_c_source_report *report)
{
    const size_t element = fvi_c_fixed(program) ? sizeof(int16_t) : sizeof(float);
    *report = (fv_c_source_report){
        .arena_bytes = (size_t)program->arena_elements * element,
        .least_bytes = (size_t)program->least_elements * element,
        .source_bytes = source_bytes,
        .multiply_adds = fv_graph_multiply_adds(program->graph),
        .steps = program->step_count,
    };
    snprintf(report->name, sizeof report->name, "%s", program->name);
    for (size_t i = 0; i < program->constant_count; i++)
        report->constant_bytes += (size_t)program->constants[i].count * fvi_c_type_size(program->constants[i].type);
}

fv_status fv_c_source_write(fv_context *context, fv_model *model, const char *path, const fv_c_source_options *options,
                            fv_c_source_report *report)
{
    const fv_c_source_options defaults = { 0 };
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    size_t source_bytes = 0;
    FV_TRY(fv_inference_form(&graph, &params, fv_model_params(model), NULL));
    fvi_c_program program = {
        .context = context,
        .options = options != NULL ? options : &defaults,
        .graph = graph,
        .params = params,
        .preprocess = fv_model_preprocess(model),
        .functions = { .context = context },
        .calls = { .context = context },
    };
    const fv_status status = make_program(&program, path, &source_bytes);
    if (status == FV_OK && report != NULL)
        fill_report(&program, source_bytes, report);
    fvi_release(context, program.functions.bytes);
    fvi_release(context, program.calls.bytes);
    fvi_release(context, program.constants);
    fvi_arena_destroy(program.arena);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    return status;
}
