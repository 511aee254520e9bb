/* SPDX-License-Identifier: Apache-2.0
 *
 * custom.c - layer types from outside (fovea/custom_layer.h): a descriptor like any other, made when the type is registered, whose
 * functions call the program's. The context keeps it.
 */
#include <string.h>

#include "base/kept.h"
#include "fovea/custom_layer.h"
#include "layer/layers.h"
#include "layer/split.h"

enum { LONGEST_NAME = 48 };

typedef struct custom {
    fvi_kept kept;
    fvi_layer layer; /* what the library sees */
    fvi_attribute attribute[FV_CUSTOM_OPTIONS + 1];
    fv_custom_layer given;
    char *texts[2 + 2 * FV_CUSTOM_OPTIONS]; /* copies of the program's */
    int32_t text_count;
} custom;

/* The descriptor stands inside the struct that made it. */
static const custom *custom_of(const fvi_layer *layer)
{
    return (const custom *)(const void *)((const char *)layer - offsetof(custom, layer));
}

static void release(fv_context *context, fvi_kept *kept)
{
    custom *type = (custom *)(void *)((char *)kept - offsetof(custom, kept));
    for (int32_t i = 0; i < type->text_count; i++)
        fvi_release(context, type->texts[i]);
    fvi_release(context, type);
}

static void resolve(const custom *type, const void *given, double option[FV_CUSTOM_OPTIONS])
{
    const fv_custom_options *options = given;
    for (int32_t i = 0; i < FV_CUSTOM_OPTIONS; i++) {
        const double value = options->value[i];
        option[i] = value == 0 ? type->given.option[i].fallback : value;
    }
}

static fv_status check_param(const fvi_infer *node, const fv_custom_param *param, int32_t index)
{
    if (param->suffix == NULL || *param->suffix == '\0' || fv_shape_elements(&param->shape) < 1)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "%s '%s': parameter %d needs a suffix and a shape of 1 to 6 axes, each at least 1",
                        node->layer->name, node->name, index + 1);
    return FV_OK;
}

static fv_status declare(fvi_infer *node, const fv_custom_infer *told)
{
    if (told->param_count < 0 || told->param_count > FV_CUSTOM_PARAMS)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %d parameters; at most %d", node->layer->name,
                        node->name, told->param_count, FV_CUSTOM_PARAMS);
    for (int32_t i = 0; i < told->param_count; i++) {
        const fv_custom_param *from = &told->param[i];
        FV_TRY(check_param(node, from, i));
        node->param[i] = (fvi_declared_param){ .suffix = from->suffix,
                                               .shape = from->shape,
                                               .fan_in = from->fan_in > 0 ? from->fan_in : 1,
                                               .fan_out = from->fan_out > 0 ? from->fan_out : 1,
                                               .initializer = from->initializer,
                                               .decayed = from->decayed,
                                               .trained = true };
        if (from->initializer.kind == FV_INIT_DEFAULT)
            node->param[i].initializer.kind = FV_INIT_CONSTANT;
    }
    node->param_count = told->param_count;
    if (told->param_count > 0 && custom_of(node->layer)->given.backward_data != NULL &&
        custom_of(node->layer)->given.backward_params == NULL)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': it has parameters, but no backward_params",
                        node->layer->name, node->name);
    return FV_OK;
}

static fv_status infer(fvi_infer *node)
{
    const custom *type = custom_of(node->layer);
    double option[FV_CUSTOM_OPTIONS];
    resolve(type, node->options, option);
    fv_custom_infer told = { .user = type->given.user,
                             .name = node->name,
                             .option = option,
                             .in = node->in,
                             .input_count = node->input_count,
                             .out = node->in[0] };
    if (type->given.infer != NULL) {
        const fv_status status = type->given.infer(&told);
        told.problem[sizeof told.problem - 1] = '\0';
        if (status != FV_OK)
            return fvi_fail(node->context, status, "%s '%s': %s", node->layer->name, node->name,
                            told.problem[0] != '\0' ? told.problem : "its infer function refused the shapes");
    }
    if (told.out.c < 1 || told.out.h < 1 || told.out.w < 1)
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': output %dx%dx%d; every size must be at least 1",
                        node->layer->name, node->name, told.out.c, told.out.h, told.out.w);
    node->out = told.out;
    node->multiply_adds = told.multiply_adds;
    node->reach.whole = told.out.h != node->in[0].h || told.out.w != node->in[0].w; /* what is known of it */
    return declare(node, &told);
}

static fv_status setup(fvi_setup *node)
{
    if (node->backward && node->layer->backward == NULL)
        return fvi_fail(node->context, FV_ERR_UNSUPPORTED, "%s '%s': this layer type has no backward pass",
                        node->layer->name, node->name);
    double *option = fvi_arena_allocate(node->arena, sizeof(double) * (FV_CUSTOM_OPTIONS + 1));
    if (option == NULL)
        return fvi_out_of_memory(node->context, "options of a layer", sizeof(double) * (FV_CUSTOM_OPTIONS + 1));
    const custom *type = custom_of(node->layer);
    resolve(type, node->options, option);
    memcpy(option + FV_CUSTOM_OPTIONS, &type, sizeof type);
    node->prepared = option;
    return FV_OK;
}

/* A pass of all images, and what its calls have in common. */
typedef struct custom_pass {
    const fvi_call *call;
    const custom *type;
    void (*run)(const fv_custom_call *call);
    bool backward;
} custom_pass;

static custom_pass make_pass(const fvi_call *call, bool backward)
{
    custom_pass pass = { .call = call, .backward = backward };
    memcpy(&pass.type, (const double *)call->prepared + FV_CUSTOM_OPTIONS, sizeof pass.type);
    return pass;
}

static fv_custom_tensor tensor_of(const fvi_view *view, fv_dtype dtype, size_t first, size_t count)
{
    return (fv_custom_tensor){ .data = view->data != NULL ? fvi_view_at(view, dtype, (int32_t)first, 0, 0) : NULL,
                               .n = (int32_t)count,
                               .h = view->h,
                               .w = view->w,
                               .c = view->c,
                               .image_stride = view->image_stride,
                               .row_stride = view->row_stride,
                               .pixel_stride = view->pixel_stride };
}

static void run_images(const void *argument, size_t first, size_t count)
{
    const custom_pass *pass = argument;
    const fvi_call *call = pass->call;
    fv_custom_tensor x[FV_CUSTOM_INPUTS], dx[FV_CUSTOM_INPUTS];
    for (int32_t i = 0; i < call->input_count; i++) {
        x[i] = tensor_of(&call->x[i], call->dtype, first, count);
        if (pass->backward)
            dx[i] = tensor_of(&call->dx[i], call->dtype, first, count);
    }
    fv_custom_call seen = { .user = pass->type->given.user,
                            .option = call->prepared,
                            .dtype = call->dtype,
                            .training = call->training,
                            .input_count = call->input_count,
                            .x = x,
                            .y = tensor_of(&call->y, call->dtype, first, count),
                            .param = call->param };
    if (pass->backward) {
        seen.dy = tensor_of(&call->dy, call->dtype, first, count);
        seen.dx = dx;
        seen.dparam = call->dparam;
    }
    pass->run(&seen);
}

static fv_status forward(fvi_call *call)
{
    custom_pass pass = make_pass(call, false);
    pass.run = pass.type->given.forward;
    const size_t elements = (size_t)call->y.h * (size_t)call->y.w * (size_t)call->y.c;
    fvi_split_items(call->context, (size_t)call->n, elements, run_images, &pass);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    custom_pass pass = make_pass(call, true);
    bool wanted = false;
    for (int32_t i = 0; i < call->input_count; i++)
        wanted = wanted || call->dx[i].data != NULL;
    pass.run = pass.type->given.backward_params;
    if (pass.run != NULL)
        run_images(&pass, 0, (size_t)call->n);
    pass.run = pass.type->given.backward_data;
    const size_t elements = (size_t)call->x[0].h * (size_t)call->x[0].w * (size_t)call->x[0].c;
    if (wanted)
        fvi_split_items(call->context, (size_t)call->n, elements, run_images, &pass);
    return FV_OK;
}

static bool is_word(const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        const char c = text[length];
        const bool letter = c >= 'a' && c <= 'z';
        if (!letter && (length == 0 || !(c == '_' || (c >= '0' && c <= '9'))))
            return false;
    }
    return length > 0 && length <= LONGEST_NAME;
}

static fv_status check_options(fv_context *context, const fv_custom_layer *given)
{
    for (int32_t i = 0; i < FV_CUSTOM_OPTIONS && given->option[i].name != NULL; i++) {
        const fv_custom_option *option = &given->option[i];
        bool again = strcmp(option->name, "name") == 0 || strcmp(option->name, "from") == 0;
        for (int32_t k = 0; k < i; k++)
            again = again || strcmp(option->name, given->option[k].name) == 0;
        if (!is_word(option->name) || again)
            return fvi_fail(context, FV_ERR_ARGUMENT,
                            "layer type '%s': option '%.64s' must be a word of lower-case letters, digits and "
                            "underscores, given once, not 'name' or 'from'",
                            given->name, option->name);
        if (!(option->low <= option->high && option->fallback >= option->low && option->fallback <= option->high))
            return fvi_fail(context, FV_ERR_ARGUMENT, "layer type '%s': option '%s': %g is not in %g to %g",
                            given->name, option->name, option->fallback, option->low, option->high);
    }
    return FV_OK;
}

static fv_status check(fv_context *context, const fv_custom_layer *given)
{
    if (given->name == NULL || !is_word(given->name))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "layer type '%.64s': the name must begin with a lower-case letter and consist of at most %d "
                        "letters, digits and underscores",
                        given->name != NULL ? given->name : "", LONGEST_NAME);
    if (fvi_layer_find_in(context, given->name) != NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "layer type '%s' exists already; give yours another name",
                        given->name);
    if (given->forward == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "layer type '%s' has no forward function", given->name);
    if (given->min_inputs < 0 || given->max_inputs > FV_CUSTOM_INPUTS || given->min_inputs > FV_CUSTOM_INPUTS ||
        (given->max_inputs != 0 && given->max_inputs < given->min_inputs))
        return fvi_fail(context, FV_ERR_ARGUMENT, "layer type '%s': %d to %d inputs; there may be 1 to %d", given->name,
                        given->min_inputs, given->max_inputs, FV_CUSTOM_INPUTS);
    return check_options(context, given);
}

/* A copy that the type owns; NULL and false: memory is short. */
static bool keep_text(fv_context *context, custom *type, const char **text)
{
    if (*text == NULL)
        return true;
    char *copy = fvi_duplicate_text(context, *text);
    *text = copy;
    if (copy != NULL)
        type->texts[type->text_count++] = copy;
    return copy != NULL;
}

static bool fill(fv_context *context, custom *type)
{
    fv_custom_layer *given = &type->given;
    if (!keep_text(context, type, &given->name) || !keep_text(context, type, &given->formula))
        return false;
    given->min_inputs = given->min_inputs == 0 ? 1 : given->min_inputs;
    given->max_inputs = given->max_inputs == 0 ? given->min_inputs : given->max_inputs;
    for (int32_t i = 0; i < FV_CUSTOM_OPTIONS && given->option[i].name != NULL; i++) {
        fv_custom_option *option = &given->option[i];
        if (!keep_text(context, type, &option->name) || !keep_text(context, type, &option->help))
            return false;
        type->attribute[i] = (fvi_attribute){ .name = option->name,
                                              .type = FVI_ATTRIBUTE_REAL,
                                              .offset = offsetof(fv_custom_options, value) + (size_t)i * sizeof(double),
                                              .count = 1,
                                              .low = option->low,
                                              .high = option->high,
                                              .help = option->help != NULL ? option->help : "" };
    }
    const uint32_t reads =
        (given->ignores_input ? 0u : FVI_READS_INPUT) | (given->ignores_output ? 0u : FVI_READS_OUTPUT);
    type->layer = (fvi_layer){ .name = given->name,
                               .formula = given->formula != NULL ? given->formula : "",
                               .options_size = sizeof(fv_custom_options),
                               .attributes = type->attribute,
                               .min_inputs = given->min_inputs,
                               .max_inputs = given->max_inputs,
                               .backward_reads = reads,
                               .infer = infer,
                               .setup = setup,
                               .forward = forward,
                               .backward = given->backward_data != NULL ? FVI_TRAINS(backward) : NULL };
    return true;
}

fv_status fv_layer_register(fv_context *context, const fv_custom_layer *layer)
{
    FV_TRY(check(context, layer));
    custom *type = fvi_allocate_zeroed(context, 1, sizeof *type);
    if (type == NULL)
        return fvi_out_of_memory(context, "a layer type", sizeof *type);
    type->kept.release = release;
    type->given = *layer;
    if (!fill(context, type)) {
        release(context, &type->kept);
        return fvi_out_of_memory(context, "a layer type", sizeof *type);
    }
    fvi_context_keep(context, &type->kept);
    return FV_OK;
}

const fvi_layer *fvi_layer_find_in(const fv_context *context, const char *name)
{
    for (const fvi_kept *kept = fvi_context_kept(context); kept != NULL; kept = kept->next) {
        const custom *type = (const custom *)(const void *)((const char *)kept - offsetof(custom, kept));
        if (strcmp(type->layer.name, name) == 0)
            return &type->layer;
    }
    return fvi_layer_find(name);
}
