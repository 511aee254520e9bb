/* SPDX-License-Identifier: Apache-2.0
 *
 * c_internal.h - what the parts of the C emitter share.
 *
 * A network becomes a list of steps; each step is one function of the source, named after its layer, written from a template whose
 * sizes are numbers, and one call in <name>_predict_with(). Values are planar, in the order c, h, w: flatten, reshape and slices of
 * channels cost nothing, and inner loops run along rows.
 *
 *   c_source.c   drives: inference form, steps, files        c_memory.c   where each value lies
 *   c_text.c     templates                                   c_numbers.c  constants as text or blob
 *   c_table.c    which function writes which layer type      c_files.c    header, source, blob put together
 *   c_conv.c, c_pool.c, c_channel.c, c_norm.c, c_image.c, c_gather.c, c_join.c, c_element.c     the layers; c_fixed*.c: in fixed point
 */
#ifndef FVI_C_INTERNAL_H
#define FVI_C_INTERNAL_H

#include "base/text_buffer.h"
#include "fovea/c_source.h"
#include "graph/graph_internal.h"

enum { FVI_C_NAME = 64, FVI_C_WORD = 320, FVI_C_WORDS = 56, FVI_C_REAL_TEXT = 32 };

/* Where a value lies. */
typedef enum fvi_c_memory {
    FVI_C_NOWHERE, /* not computed by itself */
    FVI_C_INPUT,   /* the caller's input */
    FVI_C_OUTPUT,  /* the caller's output */
    FVI_C_ARENA
} fvi_c_memory;

typedef struct fvi_c_place {
    fvi_c_memory memory;
    int64_t at; /* first element */
} fvi_c_place;

/* One function of the source. */
typedef struct fvi_c_step {
    fv_value node;       /* whose layer it computes */
    fv_value activation; /* the activation behind it that it computes too, or FV_NO_VALUE */
    fv_value result;     /* the value that it writes: activation, or node */
} fvi_c_step;

typedef enum fvi_c_type { FVI_C_REAL, FVI_C_I8, FVI_C_I16, FVI_C_I32 } fvi_c_type;

/* An array of the source, or a part of the blob. */
typedef struct fvi_c_constant {
    char name[2 * FVI_C_NAME];
    fvi_c_type type;
    int64_t count;
    const void *values; /* lives as long as the program */
    size_t blob_at;     /* with options.blob: its first byte behind the blob's header */
} fvi_c_constant;

/* Small functions that steps share: each is written only where a step uses it. c_helpers.c */
typedef enum fvi_c_helper {
    FVI_C_SATURATE, /* fixed point: to int16 */
    FVI_C_RESCALE,  /* fixed point: rounded shift */
    FVI_C_SCALE,    /* fixed point: a sum by a multiplier and a shift */
    FVI_C_RELU,
    FVI_C_RELU6,
    FVI_C_LEAKY_RELU,
    FVI_C_ELU,
    FVI_C_SOFTPLUS,
    FVI_C_SIGMOID,
    FVI_C_HARD_SIGMOID,
    FVI_C_SCALED_TANH,
    FVI_C_SELU,
    FVI_C_CLIP,
    FVI_C_CLIPPED_LINE,
    FVI_C_LINEAR,
    FVI_C_GELU,
    FVI_C_GELU_TANH,
    FVI_C_SILU,
    FVI_C_HARD_SWISH,
    FVI_C_LARGER,     /* of two; a NaN wins */
    FVI_C_FIRST_CELL, /* where a window that hangs over the edge begins */
    FVI_C_LAST_CELL,  /* and ends */
    FVI_C_COPY,
    FVI_C_ADAPT,   /* fixed point: a copy by another exponent */
    FVI_C_LOOK_UP, /* fixed point: a function by its table */
    FVI_C_DIVIDE,  /* fixed point: rounded division */
    FVI_C_HELPERS
} fvi_c_helper;

typedef struct fvi_c_program {
    fv_context *context;
    const fv_c_source_options *options;
    const fv_graph *graph; /* in inference form */
    fv_params *params;     /* float32 */
    const fv_preprocess *preprocess;
    const fvi_node *nodes;
    int32_t node_count;
    char name[FVI_C_NAME], upper[FVI_C_NAME];
    fvi_arena *arena;          /* everything below */
    char (*names)[FVI_C_NAME]; /* [node_count] a unique identifier for each node, without the prefix */
    fvi_c_place *places;       /* [node_count] */
    fvi_c_step *steps;
    int32_t step_count;
    int64_t arena_elements, least_elements;
    int32_t *exponents; /* fixed point: [node_count] a value is its integer times 2^-exponent */
    fvi_c_constant *constants;
    size_t constant_count, constant_capacity;
    size_t blob_bytes;
    uint64_t helpers;                 /* bits (1 << fvi_c_helper) */
    fvi_text_buffer functions, calls; /* of the steps; the body of predict */
    const float *expected;            /* [outputs] of the self-test, or NULL */
} fvi_c_program;

/* What a template's words stand for. */
typedef struct fvi_c_words {
    struct {
        const char *name;
        char text[FVI_C_WORD];
    } word[FVI_C_WORDS];
    int32_t count;
    size_t constants_before; /* of the program, when the step began */
} fvi_c_words;

/* The text of a word that was set. */
const char *fvi_c_word(const fvi_c_words *words, const char *name);

void fvi_c_set(fvi_c_words *words, const char *name, int64_t number);
void fvi_c_set_text(fvi_c_words *words, const char *name, const char *format, ...) FVI_PRINTF(3, 4);
/* Appends template: "@word" becomes the word's text, also where "_more" is behind; a line that begins with "?word:" stays only where the word is set and neither "0" nor empty, one
 * with "!word:" only where it is not. What became "* 1" or "+ 0" is left out. */
void fvi_c_expand(fvi_text_buffer *out, const char *template, const fvi_c_words *words);

static inline bool fvi_c_fixed(const fvi_c_program *program)
{
    return program->options->arithmetic == FV_C_FIXED_POINT;
}

static inline int64_t fvi_c_elements(fv_image_shape shape)
{
    return (int64_t)shape.c * shape.h * shape.w;
}

/* The image shape of value 0 of a step, its result's, and the node. */
static inline const fvi_node *fvi_c_node(const fvi_c_program *program, const fvi_c_step *step)
{
    return &program->nodes[step->node];
}

/* c_numbers.c */
/* Adds an array named <prefix>_<node>_<suffix>; sets the word `word` to the expression that a function reads it by. values are borrowed until the
 * program ends. FV_ERR_NUMERIC for a real that is not finite. */
fv_status fvi_c_add_constant(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const char *word,
                             fvi_c_type type, int64_t count, const void *values);
/* The values of the node's parameter with this suffix, or NULL. */
const float *fvi_c_param(const fvi_c_program *program, const fvi_node *node, const char *suffix);
size_t fvi_c_type_size(fvi_c_type type);
const char *fvi_c_type_name(fvi_c_type type);
/* Memory that lives as long as the program. FV_ERR_MEMORY. */
fv_status fvi_c_allocate(fvi_c_program *program, int64_t count, size_t size, void **out);

/* c_memory.c: links, lifetimes, places; the steps. */
fv_status fvi_c_plan(fvi_c_program *program);

/* c_table.c */
typedef fv_status fvi_c_write_fn(fvi_c_program *program, const fvi_c_step *step);
typedef struct fvi_c_layer {
    const char *type;                    /* fvi_layer.name */
    fvi_c_write_fn *write, *write_fixed; /* NULL: no function (a view, or refused in fixed point) */
    bool fuses;                          /* its function can apply an activation to what it writes */
    bool in_place; /* an element of y depends on that element of x[0] (and of the other inputs) alone */
    bool is_view;  /* y is x[0], perhaps from an element on: see fvi_c_view_at() */
} fvi_c_layer;
/* NULL: C source has no form of this type. */
const fvi_c_layer *fvi_c_layer_of(const fvi_layer *layer);
/* Every node has a form in the options' arithmetic, or FV_ERR_UNSUPPORTED names the first that has not. */
fv_status fvi_c_check_layers(const fvi_c_program *program);
/* Whether a node's result is a part of its input's memory. */
bool fvi_c_is_view(const fvi_node *node);
/* The element of input `input` that belongs to c, i, j of the result: "x2[c * 12 + j]", the axes along which it is repeated left out. */
void fvi_c_operand(const fvi_c_program *program, const fvi_c_step *step, int32_t input, char text[FVI_C_NAME]);
/* Of a view: the element of x[0] that is y's first. */
int64_t fvi_c_view_at(const fvi_node *node);

/* c_source.c: what writers of layers use. */
/* Words that every template may use: @function, @real, @h, @w, @channels, @oh, @ow, @filters, @plane (h*w), @out_plane, @size and @out_size (c*h*w); @blob: the
 * parameter that functions with constants take. */
void fvi_c_begin(const fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words);
/* The comment, the function from template, and its call; inputs: how many of the node's inputs it is called with. in_place words: see c_element.c. */
fv_status fvi_c_end(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const char *template);
/* Whether the step writes where its first input lies. */
bool fvi_c_overwrites(const fvi_c_program *program, const fvi_c_step *step);
/* "(memory->values + 12)" of a value. */
void fvi_c_pointer(const fvi_c_program *program, fv_value value, char text[FVI_C_WORD]);
void fvi_c_need(fvi_c_program *program, fvi_c_helper helper);

/* c_element.c: a float as C writes it, exactly: 0.1 becomes "0.100000001f". */
void fvi_c_real_text(double value, char text[FVI_C_REAL_TEXT]);
void fvi_c_set_real(fvi_c_words *words, const char *name, double value);
/* Sets the words @act and @end, which stand before and behind an expression: "relu(" and ")"; both empty without activation. */
void fvi_c_set_activation(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words);

/* The layers. */
fvi_c_write_fn fvi_c_conv2d, fvi_c_conv2d_transpose, fvi_c_dense;
fvi_c_write_fn fvi_c_max_pool, fvi_c_average_pool, fvi_c_adaptive_pool, fvi_c_subsample;
fvi_c_write_fn fvi_c_channel_pool, fvi_c_batch_norm, fvi_c_local_norm, fvi_c_softmax, fvi_c_log_softmax, fvi_c_prelu,
    fvi_c_rbf;
fvi_c_write_fn fvi_c_crop, fvi_c_upsample;
fvi_c_write_fn fvi_c_slice, fvi_c_permute, fvi_c_channel_shuffle, fvi_c_expand_layer, fvi_c_pad, fvi_c_resize;
fvi_c_write_fn fvi_c_reduce_mean, fvi_c_group_norm, fvi_c_layer_norm, fvi_c_scale_layer;
fvi_c_write_fn fvi_c_combine, fvi_c_concat;
fvi_c_write_fn fvi_c_activation, fvi_c_dropout;

/* c_helpers.c: the shared functions that the program needs, in order. */
void fvi_c_write_helpers(const fvi_c_program *program, fvi_text_buffer *out);

#endif
