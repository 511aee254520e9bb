/* SPDX-License-Identifier: Apache-2.0
 *
 * numbers.c - data sets whose samples are rows of numbers in memory.
 */
#include "data/sets/table.h"

typedef struct numbers {
    float *values; /* [count][columns] */
    int32_t columns;
} numbers;

static fv_status read_numbers(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch,
                              fv_sample *sample)
{
    const numbers *set = state;
    const fv_image_shape shape = { 1, 1, set->columns };
    (void)shorter;
    (void)scratch;
    *sample = (fv_sample){
        .shape = shape, .order = FV_NCHW, .values = set->values + (size_t)index * (size_t)set->columns, .whole = shape
    };
    return FV_OK;
}

static void destroy_numbers(fv_context *context, void *state)
{
    numbers *set = state;
    fvi_release(context, set->values);
    fvi_release(context, set);
}

static const fvi_dataset_type type_numbers = { .name = "numbers", .read = read_numbers, .destroy = destroy_numbers };

fv_status fvi_numbers_make(fv_dataset **out, fv_context *context, const char *name, float *values, int64_t count,
                           int32_t columns, fvi_dataset_parts *parts)
{
    numbers *set = fvi_allocate(context, sizeof *set);
    *out = NULL;
    parts->type = &type_numbers;
    if (set == NULL) {
        fvi_release(context, values);
        fvi_dataset_parts_release(context, parts);
        return fvi_out_of_memory(context, "a table", sizeof *set);
    }
    *set = (numbers){ .values = values, .columns = columns };
    parts->state = set;
    parts->count = count;
    parts->shape = (fv_image_shape){ 1, 1, columns };
    parts->numeric = true;
    return fvi_dataset_make(out, context, name, parts);
}
