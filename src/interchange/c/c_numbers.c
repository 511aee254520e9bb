/* SPDX-License-Identifier: Apache-2.0
 *
 * c_numbers.c - the constants of a program: weights, biases, tables.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "interchange/c/c_internal.h"

enum { BLOB_ALIGNMENT = 16 };

size_t fvi_c_type_size(fvi_c_type type)
{
    static const size_t sizes[] = { sizeof(float), 1, 2, 4 };
    return sizes[type];
}

const char *fvi_c_type_name(fvi_c_type type)
{
    static const char *const names[] = { "float", "int8_t", "int16_t", "int32_t" };
    return names[type];
}

fv_status fvi_c_allocate(fvi_c_program *program, int64_t count, size_t size, void **out)
{
    size_t bytes = 0;
    *out = NULL;
    if (count >= 0 && fvi_size_multiply((size_t)count, size, &bytes))
        *out = fvi_arena_allocate(program->arena, bytes > 0 ? bytes : 1);
    return *out != NULL ? FV_OK : fvi_out_of_memory(program->context, "constants of a C source", bytes);
}

const float *fvi_c_param(const fvi_c_program *program, const fvi_node *node, const char *suffix)
{
    for (int32_t i = 0; i < node->param_count; i++)
        if (strcmp(node->param[i].suffix, suffix) == 0)
            return fv_params_values(program->params, node->first_param + i);
    return NULL;
}

static fv_status check_finite(const fvi_c_program *program, const fvi_node *node, const char *word, int64_t count,
                              const float *values)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return fvi_fail(program->context, FV_ERR_NUMERIC,
                            "%s '%s': value %lld of its %s is %g, which C source cannot hold", node->layer->name,
                            node->name, (long long)i, word, (double)values[i]);
    return FV_OK;
}

fv_status fvi_c_add_constant(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const char *word,
                             fvi_c_type type, int64_t count, const void *values)
{
    if (type == FVI_C_REAL)
        FV_TRY(check_finite(program, fvi_c_node(program, step), word, count, values));
    FV_TRY(fvi_grow(program->context, (void **)&program->constants, &program->constant_capacity,
                    program->constant_count, program->constant_count + 1, sizeof *program->constants));
    fvi_c_constant *constant = &program->constants[program->constant_count++];
    *constant = (fvi_c_constant){ .type = type, .count = count, .values = values, .blob_at = program->blob_bytes };
    snprintf(constant->name, sizeof constant->name, "%s_%s", program->names[step->node], word);
    if (program->options->blob)
        fvi_c_set_text(words, word, "((const %s *)(const void *)(blob + %zu))", fvi_c_type_name(type),
                       constant->blob_at);
    else
        fvi_c_set_text(words, word, "%s_%s", program->name, constant->name);
    const size_t bytes = (size_t)count * fvi_c_type_size(type);
    program->blob_bytes += (bytes + BLOB_ALIGNMENT - 1) / BLOB_ALIGNMENT * BLOB_ALIGNMENT;
    return FV_OK;
}
