/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_table_test.c - the table itself: what help, YAML and docs read from it must be there and make sense.
 */
#include <math.h>
#include <string.h>

#include "layer/layer.h"
#include "support/test.h"

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 1 };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

static size_t value_bytes(const fvi_attribute *attribute)
{
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        return sizeof(int32_t) * (size_t)attribute->count;
    case FVI_ATTRIBUTE_REAL:
        return sizeof(double);
    case FVI_ATTRIBUTE_BOOL:
        return sizeof(bool);
    case FVI_ATTRIBUTE_ENUM:
        return sizeof(int);
    case FVI_ATTRIBUTE_INIT:
        return sizeof(fv_initializer);
    case FVI_ATTRIBUTE_INTS:
        return sizeof(fv_int_list);
    case FVI_ATTRIBUTE_REALS:
        return sizeof(fv_real_list);
    }
    return 0;
}

static void check_attribute(const fvi_layer *layer, const fvi_attribute *attribute)
{
    const bool numeric = attribute->type == FVI_ATTRIBUTE_INT || attribute->type == FVI_ATTRIBUTE_REAL ||
                         attribute->type == FVI_ATTRIBUTE_INTS || attribute->type == FVI_ATTRIBUTE_REALS;
    if (!attribute->help || strlen(attribute->help) < 5)
        fail_msg("%s.%s has no help", layer->name, attribute->name);
    if (attribute->count < 1 || attribute->count > 4)
        fail_msg("%s.%s has a count of %d", layer->name, attribute->name, attribute->count);
    if (attribute->required == (attribute->fallback != NULL))
        fail_msg("%s.%s must be either required or have a fallback", layer->name, attribute->name);
    if (numeric && !(attribute->low <= attribute->high && attribute->high > 0))
        fail_msg("%s.%s has no range", layer->name, attribute->name);
    if ((attribute->type == FVI_ATTRIBUTE_ENUM) != (attribute->words != NULL))
        fail_msg("%s.%s: words are for enums", layer->name, attribute->name);
    if (attribute->offset < sizeof(const char *) || attribute->offset + value_bytes(attribute) > layer->options_size)
        fail_msg("%s.%s lies outside its options", layer->name, attribute->name);
}

FV_TEST(layer_table, every_descriptor_is_complete)
{
    for (size_t i = 0; fvi_layers[i]; i++) {
        const fvi_layer *layer = fvi_layers[i];
        assert_true(layer->name && layer->formula && layer->infer && layer->forward);
        assert_true(layer->options_size >= sizeof(const char *));
        assert_true((layer->backward != NULL) != (layer->backward_weights && layer->backward_data));
        assert_true(layer->max_inputs == 0 || layer->max_inputs >= layer->min_inputs);
        assert_true(!layer->in_place || !(layer->backward_reads & FVI_READS_INPUT)); /* x may be gone */
        for (const fvi_attribute *a = layer->attributes; a && a->name; a++)
            check_attribute(layer, a);
    }
}

FV_TEST(layer_table, names_are_unique_and_found)
{
    for (size_t i = 0; fvi_layers[i]; i++)
        assert_ptr_equal(fvi_layer_find(fvi_layers[i]->name), fvi_layers[i]);
    assert_null(fvi_layer_find("conv3d"));
    assert_null(fvi_layer_find(""));
}

FV_TEST(layer_table, a_misspelt_name_finds_its_neighbour)
{
    assert_ptr_equal(fvi_layer_nearest("con2d"), fvi_layer_find("conv2d"));
    assert_ptr_equal(fvi_layer_nearest("maxpool2d"), fvi_layer_find("max_pool2d"));
    assert_ptr_equal(fvi_layer_nearest("ReLU"), fvi_layer_find("relu"));
    assert_ptr_equal(fvi_layer_nearest("softmax-crossentropy"), fvi_layer_find("softmax_cross_entropy"));
    assert_null(fvi_layer_nearest("transformer"));
}

FV_TEST(layer_table, the_number_of_inputs_is_checked)
{
    fv_context *context = make_context();
    const fv_image_shape in[3] = { { 2, 3, 4 }, { 2, 3, 4 }, { 2, 3, 4 } };
    const struct {
        const char *type;
        int32_t count;
        const char *says;
    } cases[] = { { "relu", 0, "takes 1 input, got 0" },
                  { "relu", 2, "takes 1 input, got 2" },
                  { "add", 0, "takes at least 1 input, got 0" },
                  { "input", 1, "takes 0 inputs, got 1" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char options[256] = { 0 };
        const fvi_layer *layer = fvi_layer_find(cases[i].type);
        fvi_infer node = {
            .context = context, .name = "a", .options = options, .in = in, .input_count = cases[i].count
        };
        assert_true(layer->options_size <= sizeof options);
        assert_int_equal(fvi_layer_infer(layer, &node), FV_ERR_ARGUMENT);
        assert_non_null(strstr(fv_context_message(context), cases[i].says));
    }
    fv_context_destroy(context);
}

FV_TEST(layer_table, joins_of_unequal_shapes_are_refused)
{
    fv_context *context = make_context();
    const fv_image_shape in[2] = { { 2, 3, 4 }, { 2, 3, 5 } };
    const fv_plain_options options = { 0 };
    fvi_infer node = { .context = context, .name = "join", .options = &options, .in = in, .input_count = 2 };
    assert_int_equal(fvi_layer_infer(fvi_layer_find("add"), &node), FV_ERR_SHAPE);
    assert_non_null(
        strstr(fv_context_message(context),
               "add 'join': input 2 has shape 2x3x5, but input 1 has 2x3x4; each size must be equal, or 1"));
    assert_int_equal(fvi_layer_infer(fvi_layer_find("divide"), &node), FV_ERR_SHAPE);
    assert_non_null(
        strstr(fv_context_message(context), "divide 'join': input 2 has shape 2x3x5, but for an input 1 of"));
    assert_int_equal(fvi_layer_infer(fvi_layer_find("concat"), &node), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "input 2 has 3x5 pixels, but input 1 has 3x4"));
    fv_context_destroy(context);
}

FV_TEST(layer_table, initialisers_are_resolved_and_checked)
{
    fv_context *context = make_context();
    const fv_image_shape in = { 6, 8, 8 };
    fv_conv2d_options options = { .filters = 4, .kernel = { 3, 5 }, .groups = 2 };
    fvi_infer node = { .context = context, .name = "a", .options = &options, .in = &in, .input_count = 1 };
    assert_int_equal(fvi_layer_infer(fvi_layer_find("conv2d"), &node), FV_OK);
    assert_int_equal(node.param_count, 2);
    assert_int_equal(node.param[0].initializer.kind, FV_INIT_HE);
    assert_int_equal(node.param[0].fan_in, 3 * 15);
    assert_int_equal(node.param[0].fan_out, 2 * 15);
    assert_true(node.param[0].decayed && node.param[0].trained && !node.param[1].decayed);
    assert_int_equal(node.param[1].initializer.kind, FV_INIT_CONSTANT);
    assert_int_equal(node.multiply_adds, 4 * 6 * 4 * 3 * 15); /* 6x4 outputs */
    options.weight_init = (fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = -1 };
    assert_int_equal(fvi_layer_infer(fvi_layer_find("conv2d"), &node), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "weight_init: value -1"));
    fv_context_destroy(context);
}

static void check_refusal(fv_context *context, const char *type, const void *options, const char *says)
{
    const fv_image_shape in = { 6, 1, 1 };
    fvi_infer node = { .context = context, .name = "a", .options = options, .in = &in, .input_count = 1 };
    assert_int_not_equal(fvi_layer_infer(fvi_layer_find(type), &node), FV_OK);
    if (!strstr(fv_context_message(context), says))
        fail_msg("\"%s\" does not say \"%s\"", fv_context_message(context), says);
}

FV_TEST(layer_table, bad_options_of_activations_and_losses_are_named)
{
    fv_context *context = make_context();
    const double weights[6] = { 1, 2, 0, 4, 5, 6 }, negative[6] = { 1, 2, 3, -4, 5, 6 };
    check_refusal(context, "softplus", &(fv_softplus_options){ .beta = -1 }, "softplus 'a': beta -1 is not in 0.001");
    check_refusal(context, "maxout", &(fv_maxout_options){ .pieces = 4 },
                  "6 channels cannot be cut into 4 pieces each");
    check_refusal(context, "maxout", &(fv_maxout_options){ .pieces = 300 }, "pieces 300 is not in 1 to 256");
    check_refusal(context, "prelu", &(fv_prelu_options){ .weight_init = { FV_INIT_GAUSSIAN, -1, false } },
                  "weight_init: value -1");
    check_refusal(context, "hinge_loss", &(fv_hinge_loss_options){ .margin = (double)NAN }, "margin nan is not in");
    check_refusal(context, "binary_cross_entropy", &(fv_binary_cross_entropy_options){ .weight = -1 }, "weight -1");
    fv_softmax_cross_entropy_options entropy = { .label_smoothing = 1.5 };
    check_refusal(context, "softmax_cross_entropy", &entropy, "label_smoothing 1.5 is not in 0 to 1");
    entropy = (fv_softmax_cross_entropy_options){ .class_weights = { weights, 5 } };
    check_refusal(context, "softmax_cross_entropy", &entropy, "5 class_weights for 6 classes");
    entropy.class_weights = (fv_real_list){ negative, 6 };
    check_refusal(context, "softmax_cross_entropy", &entropy, "class_weights[3] is -4, not in 0 to 1e+09");
    entropy.class_weights = (fv_real_list){ NULL, 6 };
    check_refusal(context, "softmax_cross_entropy", &entropy, "class_weights has 6 values at NULL");
    entropy.class_weights = (fv_real_list){ weights, -1 };
    check_refusal(context, "softmax_cross_entropy", &entropy, "class_weights has -1 values");
    fv_context_destroy(context);
}

FV_TEST(layer_table, bad_options_of_shapes_and_norms_are_named)
{
    fv_context *context = make_context();
    const double factors[2] = { 0.5, 0.25 };
    check_refusal(context, "clip", &(fv_clip_options){ .low = 1, .high = 1 }, "low 1 is not below high 1");
    check_refusal(context, "power", &(fv_power_options){ .exponent = 0 }, "with exponent 0 every value is 1");
    check_refusal(context, "scale", &(fv_scale_options){ .no_scale = true, .no_shift = true }, "nothing is left");
    check_refusal(context, "permute", &(fv_permute_options){ .order = { 0, 1, 1 } }, "order 0, 1, 1 must name each");
    check_refusal(context, "channel_shuffle", &(fv_channel_shuffle_options){ .groups = 4 },
                  "6 channels cannot be split into 4 groups");
    check_refusal(context, "expand", &(fv_expand_options){ .shape = { 7 } }, "6x1x1 cannot be repeated to 7x1x1");
    check_refusal(context, "group_norm", &(fv_group_norm_options){ .groups = 5 }, "cannot be split into 5 groups");
    check_refusal(context, "pad", &(fv_pad_options){ .pad = { 1 }, .mode = FV_PAD_REFLECT },
                  "1 cannot be reflected of 1 rows; at most 0");
    check_refusal(context, "pad", &(fv_pad_options){ .channels = { 1 }, .mode = FV_PAD_EDGE },
                  "mode edge adds rows and columns");
    check_refusal(context, "slice", &(fv_slice_options){ .first = 4, .count = 3 },
                  "channels 4 to 6 are asked for, but the input has channels 0 to 5");
    check_refusal(context, "slice", &(fv_slice_options){ .first = 2, .count = 4, .step = -1 }, "channels 2 to -1");
    check_refusal(context, "slice", &(fv_slice_options){ .rows = { 1 } }, "rows 1 to 1 are asked for");
    check_refusal(context, "slice", &(fv_slice_options){ .columns = { 0, -2, 1 } }, "columns 0 to 0");
    check_refusal(context, "resize", &(fv_resize_options){ .size = { 3 } },
                  "give either size, rows and columns, or factor");
    check_refusal(context, "resize", &(fv_resize_options){ .size = { 3, 3 }, .factor = { factors, 2 } }, "give either");
    check_refusal(context, "resize", &(fv_resize_options){ .factor = { factors, 1 } }, "give either");
    check_refusal(context, "resize", &(fv_resize_options){ .factor = { factors, 2 } }, "1 rows times 0.5 are 0");
    fv_context_destroy(context);
}

FV_TEST(layer_table, losses_on_images_need_positions)
{
    fv_context *context = make_context();
    const fv_image_shape in = { 6, 3, 2 };
    fv_softmax_cross_entropy_options options = { 0 };
    fvi_infer node = { .context = context, .name = "a", .options = &options, .in = &in, .input_count = 1 };
    assert_int_equal(fvi_layer_infer(fvi_layer_find("softmax_cross_entropy"), &node), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "needs one score per class, got an image 6x3x2"));
    options.positions = true;
    assert_int_equal(fvi_layer_infer(fvi_layer_find("softmax_cross_entropy"), &node), FV_OK);
    fv_context_destroy(context);
}

FV_TESTS(layer_table, every_descriptor_is_complete, names_are_unique_and_found, a_misspelt_name_finds_its_neighbour,
         the_number_of_inputs_is_checked, joins_of_unequal_shapes_are_refused, initialisers_are_resolved_and_checked,
         bad_options_of_activations_and_losses_are_named, bad_options_of_shapes_and_norms_are_named,
         losses_on_images_need_positions)
