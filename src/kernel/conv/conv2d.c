/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d.c - shapes, problem strings, and the choice of an algorithm for each pass of a convolution.
 * Which algorithms there are, and in what order, is in conv2d_algorithms.c.
 */
#include "kernel/conv/conv2d.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"

static bool product_fits(const int32_t *factor, size_t count)
{
    size_t product = 1;
    for (size_t i = 0; i < count; i++)
        if (!fvi_size_multiply(product, (size_t)factor[i], &product) || product > (size_t)INT32_MAX)
            return false;
    return true;
}

/* Outputs along one axis, or 0 when the kernel is larger than the padded input. */
static int64_t outputs(int64_t size, int64_t before, int64_t after, int64_t taps, int64_t dilation, int64_t stride)
{
    const int64_t span = size + before + after - dilation * (taps - 1) - 1;
    return span < 0 ? 0 : span / stride + 1;
}

const char *fvi_conv2d_infer(fvi_conv2d_shape *shape)
{
    const int32_t positive[] = { shape->n,         shape->c,           shape->h,           shape->w,
                                 shape->k,         shape->r,           shape->s,           shape->stride[0],
                                 shape->stride[1], shape->dilation[0], shape->dilation[1], shape->groups };
    for (size_t i = 0; i < sizeof positive / sizeof positive[0]; i++)
        if (positive[i] < 1)
            return "a size, stride, dilation or number of groups is below 1";
    for (int side = 0; side < 4; side++)
        if (shape->pad[side] < 0)
            return "padding is negative";
    if (shape->c % shape->groups != 0)
        return "the input channels cannot be split into that many groups";
    if (shape->k % shape->groups != 0)
        return "the output channels cannot be split into that many groups";
    const int64_t oh = outputs(shape->h, shape->pad[0], shape->pad[2], shape->r, shape->dilation[0], shape->stride[0]);
    const int64_t ow = outputs(shape->w, shape->pad[1], shape->pad[3], shape->s, shape->dilation[1], shape->stride[1]);
    if (oh < 1 || ow < 1)
        return "the kernel is larger than the padded input";
    if (oh > INT32_MAX || ow > INT32_MAX)
        return "the output has over 2^31 rows or columns";
    shape->oh = (int32_t)oh;
    shape->ow = (int32_t)ow;
    const int64_t rows = (int64_t)shape->h + shape->pad[0] + shape->pad[2];
    const int64_t columns = (int64_t)shape->w + shape->pad[1] + shape->pad[3];
    if (rows > INT32_MAX || columns > INT32_MAX)
        return "the padded input has over 2^31 rows or columns";
    const int32_t input[] = { shape->c, (int32_t)rows, (int32_t)columns };
    const int32_t output[] = { shape->k, shape->oh, shape->ow };
    const int32_t weights[] = { shape->k, shape->c / shape->groups, shape->r, shape->s };
    if (!product_fits(input, 3) || !product_fits(output, 3) || !product_fits(weights, 4))
        return "an image or the weights have over 2^31 elements";
    return NULL;
}

/* Reads the decimal number at *text, which must lie in [0, INT32_MAX], and moves *text past it. */
static bool read_number(const char **text, int32_t *value)
{
    int64_t number = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > INT32_MAX)
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *value = (int32_t)number;
    return true;
}

typedef struct problem_key {
    char name[3];
    int32_t *value;
} problem_key;

const char *fvi_conv2d_parse(const char *problem, fvi_conv2d_shape *shape)
{
    int32_t n = 1, c = -1, h = -1, w = -1, k = -1, r = -1, s = -1, u = 1, v = -1, d = 1, g = 1, p = 0;
    int32_t pt = -1, pl = -1, pb = -1, pr = -1;
    const problem_key keys[] = { { "pt", &pt }, { "pl", &pl }, { "pb", &pb }, { "pr", &pr }, { "n", &n }, { "c", &c },
                                 { "h", &h },   { "w", &w },   { "k", &k },   { "r", &r },   { "s", &s }, { "u", &u },
                                 { "v", &v },   { "d", &d },   { "g", &g },   { "p", &p } };
    const char *at = problem;
    while (*at != '\0') {
        const problem_key *key = NULL;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0] && key == NULL; i++)
            if (strncmp(at, keys[i].name, strlen(keys[i].name)) == 0)
                key = &keys[i];
        if (key == NULL)
            return "not one of the letters n c h w k r s u v d g p (pt pl pb pr); write n16c64h56k64r3p1";
        at += strlen(key->name);
        if (!read_number(&at, key->value))
            return "a letter without a number below 2^31 behind it";
    }
    if (c < 0 || h < 0 || k < 0 || r < 0)
        return "c, h, k and r must be given; write n16c64h56k64r3p1";
    *shape = (fvi_conv2d_shape){ .n = n,
                                 .c = c,
                                 .h = h,
                                 .w = w < 0 ? h : w,
                                 .k = k,
                                 .r = r,
                                 .s = s < 0 ? r : s,
                                 .stride = { u, v < 0 ? u : v },
                                 .pad = { pt < 0 ? p : pt, pl < 0 ? p : pl, pb < 0 ? p : pb, pr < 0 ? p : pr },
                                 .dilation = { d, d },
                                 .groups = g };
    return fvi_conv2d_infer(shape);
}

/* Appends like snprintf at `used`, and counts what did not fit. */
static size_t append(char *text, size_t size, size_t used, const char *format, int32_t value)
{
    const int length = snprintf(used < size ? text + used : NULL, used < size ? size - used : 0, format, (int)value);
    return used + (length > 0 ? (size_t)length : 0);
}

size_t fvi_conv2d_format(const fvi_conv2d_shape *shape, char *text, size_t size)
{
    size_t used = 0;
    if (size > 0)
        text[0] = '\0';
    used = append(text, size, used, "n%d", shape->n);
    used = append(text, size, used, "c%d", shape->c);
    used = append(text, size, used, "h%d", shape->h);
    used = append(text, size, used, "w%d", shape->w);
    used = append(text, size, used, "k%d", shape->k);
    used = append(text, size, used, "r%d", shape->r);
    used = append(text, size, used, "s%d", shape->s);
    if (shape->stride[0] != 1 || shape->stride[1] != 1)
        used = append(text, size, used, "u%d", shape->stride[0]);
    if (shape->stride[1] != shape->stride[0])
        used = append(text, size, used, "v%d", shape->stride[1]);
    const int32_t *pad = shape->pad;
    if (pad[0] == pad[1] && pad[0] == pad[2] && pad[0] == pad[3]) {
        if (pad[0] != 0)
            used = append(text, size, used, "p%d", pad[0]);
    } else {
        used = append(text, size, used, "pt%d", pad[0]);
        used = append(text, size, used, "pl%d", pad[1]);
        used = append(text, size, used, "pb%d", pad[2]);
        used = append(text, size, used, "pr%d", pad[3]);
    }
    if (shape->dilation[0] != 1)
        used = append(text, size, used, "d%d", shape->dilation[0]);
    if (shape->groups != 1)
        used = append(text, size, used, "g%d", shape->groups);
    return used;
}

/* Asks one algorithm for one pass; fills that part of the plan when it accepts. */
static const char *ask(const fvi_conv2d_algorithm *algorithm, int32_t index, fvi_conv2d_plan *plan, fvi_pass pass)
{
    if ((algorithm->passes & (1u << pass)) == 0)
        return "does not do this pass";
    memset(&plan->pass[pass], 0, sizeof plan->pass[pass]);
    plan->pass[pass].kernel = algorithm->kernel;
    const char *reason = algorithm->accept(plan, pass);
    if (reason == NULL) {
        plan->pass[pass].algorithm = algorithm->name;
        plan->pass[pass].index = index;
    }
    return reason;
}

void fvi_conv2d_choose_each(fvi_conv2d_plan *plan, const fvi_conv2d_shape *shape, fv_dtype dtype, fvi_isa isa,
                            int32_t threads, bool reference, const char *const only[FVI_PASSES])
{
    memset(plan, 0, sizeof *plan);
    plan->shape = *shape;
    plan->dtype = dtype;
    plan->isa = isa;
    plan->threads = threads < 1 ? 1 : threads;
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(isa, dtype, &count);
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        const char *reason = "not asked yet";
        plan->asked_for = true;
        for (size_t i = 0; only[pass] != NULL && i < count && reason != NULL; i++)
            if (strcmp(table[i].name, only[pass]) == 0)
                reason = ask(&table[i], (int32_t)i, plan, (fvi_pass)pass);
        plan->asked_for = false;
        for (size_t i = reference ? count - 1 : 0; i < count && reason != NULL; i++)
            reason = ask(&table[i], (int32_t)i, plan, (fvi_pass)pass);
    }
}

void fvi_conv2d_choose(fvi_conv2d_plan *plan, const fvi_conv2d_shape *shape, fv_dtype dtype, fvi_isa isa,
                       int32_t threads, bool reference, const char *only)
{
    const char *const each[FVI_PASSES] = { only, only, only };
    fvi_conv2d_choose_each(plan, shape, dtype, isa, threads, reference, each);
}

const char *fvi_conv2d_pass_name(fvi_pass pass)
{
    static const char *const names[FVI_PASSES] = { "forward", "backward_data", "backward_weights" };
    return names[pass];
}

size_t fvi_conv2d_explain(const fvi_conv2d_plan *plan, fvi_pass pass, char *text, size_t size)
{
    size_t count = 0, used = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(plan->isa, plan->dtype, &count);
    if (size > 0)
        text[0] = '\0';
    for (int32_t i = 0; i < plan->pass[pass].index; i++) {
        fvi_conv2d_plan trial = *plan;
        const char *reason = ask(&table[i], i, &trial, pass);
        const int length = snprintf(used < size ? text + used : NULL, used < size ? size - used : 0, "%s: %s\n",
                                    table[i].name, reason != NULL ? reason : "would accept; another was asked for");
        used += length > 0 ? (size_t)length : 0;
    }
    return used;
}

static const fvi_conv2d_algorithm *chosen(const fvi_conv2d_plan *plan, fvi_pass pass)
{
    size_t count = 0;
    return &fvi_conv2d_algorithms(plan->isa, plan->dtype, &count)[plan->pass[pass].index];
}

void fvi_conv2d_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w, void *packed)
{
    chosen(plan, pass)->pack(plan, context, pass, w, packed);
}

void fvi_conv2d_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                        const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    chosen(plan, FVI_FORWARD)->forward(plan, context, x, packed, bias, epilogue, y, scratch);
}

void fvi_conv2d_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy, const void *packed,
                              const fvi_conv2d_epilogue *epilogue, const fvi_view *dx, void *scratch)
{
    chosen(plan, FVI_BACKWARD_DATA)->backward_data(plan, context, dy, packed, epilogue, dx, scratch);
}

void fvi_conv2d_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                 const fvi_view *dy, void *dw, void *db, void *scratch)
{
    chosen(plan, FVI_BACKWARD_WEIGHTS)->backward_weights(plan, context, x, dy, dw, db, scratch);
}
