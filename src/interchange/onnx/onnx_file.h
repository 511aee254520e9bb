/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_file.h - an ONNX file while it is read: its nodes in order, the names between them, and what is known of each.
 * The way of a file: onnx_wire.c (scan before unpacking), onnx_file.c (unpack, nodes and names), onnx_function.c (functions
 * inlined), onnx_fold.c (constants computed), onnx_pattern.c (what exporters took apart put together), onnx_map.c (to layers).
 */
#ifndef FVI_ONNX_FILE_H
#define FVI_ONNX_FILE_H

#include <jansson.h>
#include <onnx.pb-c.h>

#include "base/arena.h"
#include "fovea/onnx.h"

enum { FVI_ONNX_AXES = 8, FVI_ONNX_OLDEST = 7, FVI_ONNX_NEWEST = 21 };

/* Stands for the number of images in shapes and in what is computed from shapes: the prime 2^31 - 1, which no size of a real
 * network is a multiple of, so that products with it (the first size of a reshape) are told from others. */
#define FVI_ONNX_BATCH INT64_C(2147483647)

/* A tensor whose values are known: float32, or whole numbers (all integer types and bool). Row-major. */
typedef struct fvi_onnx_constant {
    bool integer;
    int32_t rank;
    int64_t size[FVI_ONNX_AXES];
    int64_t count;
    float *real;    /* NULL where integer */
    int64_t *whole; /* NULL where not */
} fvi_onnx_constant;

typedef struct fvi_onnx_node fvi_onnx_node;

/* A name of the file. While mapping it is a constant, or has a value in the fovea graph. That value's elements of one image, in
 * the order c, h, w, are the elements of a tensor with the axes `base` in row-major order; axis i of what ONNX sees is axis[i] of
 * base (0: the images). So reshaping and transposing cost nothing until a layer needs the elements in another order. */
typedef struct fvi_onnx_value {
    const char *name;
    int32_t index;                          /* in fvi_onnx.values */
    fvi_onnx_node *producer;                /* NULL: the graph's input, or an initializer */
    const struct Onnx__TensorProto *tensor; /* of an initializer or a Constant; NULL: none */
    const fvi_onnx_constant *constant;      /* NULL: not known (yet, where tensor is set) */
    int32_t readers;                        /* of nodes that are alive; the graph's output counts as one */
    fv_value value;                         /* FV_NO_VALUE: not mapped */
    int32_t rank;
    int64_t size[FVI_ONNX_AXES]; /* as ONNX sees it; size[0] is FVI_ONNX_BATCH */
    int32_t axis[FVI_ONNX_AXES];
} fvi_onnx_value;

struct fvi_onnx_node {
    const char *name, *domain, *type;
    int64_t opset;                    /* of its domain, where the node stands */
    fvi_onnx_value **input, **output; /* NULL: left out */
    int32_t input_count, output_count;
    const Onnx__AttributeProto **attribute;
    int32_t attribute_count;
    int64_t pad[4];     /* zeros around its input besides its own: top, left, bottom, right */
    bool alive;         /* the graph's output depends on it */
    const char *became; /* for the user; NULL: nothing was made of it */
};

/* Values for a parameter, in fovea's orientation. */
typedef struct fvi_onnx_values {
    fv_value node;
    const char *suffix;
    const float *values;
    int64_t count;
} fvi_onnx_values;

typedef struct fvi_onnx {
    fv_context *context;
    fvi_arena *arena;
    const char *path;   /* for messages */
    const char *folder; /* of external data; NULL: there is none */
    const fv_onnx_read_options *options;
    Onnx__ModelProto *model;
    int64_t opset;     /* of ONNX's own operators */
    size_t bytes_left; /* that constants may still take */
    json_t *external;  /* location of external data -> bytes read of it */
    json_t *functions; /* "domain:name" -> index in the model's functions */
    json_t *names;     /* name -> index in values, of the graph (not of functions) */
    json_t *taken;     /* names of fovea's nodes */
    fvi_onnx_value **values;
    size_t value_count, value_capacity;
    fvi_onnx_node **nodes;
    size_t node_count, node_capacity;
    fvi_onnx_value *input, *output;
    fv_graph *graph;
    fv_value logits; /* the output before its softmax */
    fvi_onnx_values *fills;
    size_t fill_count, fill_capacity;
} fvi_onnx;

/* "'x.onnx': ..." into the context's message. */
fv_status fvi_onnx_fail_file(const fvi_onnx *onnx, fv_status status, const char *format, ...) FVI_PRINTF(3, 4);
/* "'x.onnx': Conv 'name': ..." */
fv_status fvi_onnx_fail_node(const fvi_onnx *onnx, const fvi_onnx_node *node, fv_status status, const char *format, ...)
    FVI_PRINTF(4, 5);

/* The file's bytes to `model`, after every length and nesting was checked and the memory that it takes was found to fit its size.
 * Released by onnx__model_proto__free_unpacked(). */
fv_status fvi_onnx_unpack(fvi_onnx *onnx, const unsigned char *bytes, size_t size);
/* Model to nodes and names: opsets, initializers, inputs, functions inlined. */
fv_status fvi_onnx_load(fvi_onnx *onnx);

/* A new name (not in `names`); NULL when memory is short. */
fvi_onnx_value *fvi_onnx_new_value(fvi_onnx *onnx, const char *name);
/* Names on this level: of the graph, or of a function's body. */
typedef struct fvi_onnx_scope {
    json_t *names;
    const char *function;                         /* NULL: the graph */
    const Onnx__AttributeProto *const *attribute; /* that the call gives, for references to them */
    int32_t attribute_count;
    const fvi_onnx_node *call;
    size_t import_count;
    Onnx__OperatorSetIdProto *const *imports;
    int32_t depth;
} fvi_onnx_scope;
fv_status fvi_onnx_declare(fvi_onnx *onnx, const fvi_onnx_scope *scope, const char *name, fvi_onnx_value *value);
/* Appends the nodes of a list, functions inlined. */
fv_status fvi_onnx_add_nodes(fvi_onnx *onnx, const fvi_onnx_scope *scope, Onnx__NodeProto *const *nodes, size_t count);
fv_status fvi_onnx_index_functions(fvi_onnx *onnx);
/* The function that the node calls, or NULL. */
const Onnx__FunctionProto *fvi_onnx_function(const fvi_onnx *onnx, const fvi_onnx_node *node);
fv_status fvi_onnx_inline(fvi_onnx *onnx, const fvi_onnx_scope *outer, const fvi_onnx_node *call,
                          const Onnx__FunctionProto *function);

/* Memory for `count` values of a constant, out of what the file's size justifies; *memory lives as long as the file. */
fv_status fvi_onnx_reserve(fvi_onnx *onnx, int64_t count, size_t size, void **memory);
/* The product of sizes, or -1: negative, or more than 2^40. */
int64_t fvi_onnx_elements(int32_t rank, const int64_t *size);
/* "[1, 3, N, 224]". Returns text. */
const char *fvi_onnx_shape_text(int32_t rank, const int64_t *size, char *text, size_t bytes);
/* The values of a tensor of the file, read where they lie. */
fv_status fvi_onnx_decode(fvi_onnx *onnx, const Onnx__TensorProto *tensor, const fvi_onnx_constant **out);
/* Reads the bytes of a tensor with external data: `needed` of them. bytes NULL: only checks that they are there. */
fv_status fvi_onnx_read_external(fvi_onnx *onnx, const Onnx__TensorProto *tensor, size_t needed, void *bytes);
/* The constant that a value is, or NULL: it is none. */
fv_status fvi_onnx_constant_of(fvi_onnx *onnx, fvi_onnx_value *value, const fvi_onnx_constant **out);
/* Whether a value is known, without reading it. */
static inline bool fvi_onnx_is_constant(const fvi_onnx_value *value)
{
    return value != NULL && (value->constant != NULL || value->tensor != NULL);
}

/* Attributes of a node. What is missing is the fallback (lists: *count 0). FV_ERR_FORMAT for another type. */
const Onnx__AttributeProto *fvi_onnx_attribute(const fvi_onnx_node *node, const char *name);
fv_status fvi_onnx_int(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, int64_t fallback,
                       int64_t *out);
fv_status fvi_onnx_real(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, double fallback,
                        double *out);
fv_status fvi_onnx_list(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, const int64_t **out,
                        int32_t *count);
/* A text, borrowed from the file's arena. */
fv_status fvi_onnx_text(fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, const char *fallback,
                        const char **out);
/* A list that is an attribute or, in later opsets, the constant input `index`. *out NULL, *count 0: neither. */
fv_status fvi_onnx_ints_or_input(fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, int32_t index,
                                 const int64_t **out, int32_t *count);
/* axis, counted from the end where negative, of so many; FV_ERR_FORMAT out of range. */
fv_status fvi_onnx_axis(const fvi_onnx *onnx, const fvi_onnx_node *node, int64_t axis, int32_t rank, int32_t *out);

/* Computes a node whose inputs are constants (or of which only shapes are asked). *done false: it cannot be, and is left. */
fv_status fvi_onnx_fold(fvi_onnx *onnx, fvi_onnx_node *node, bool *done);
/* Whether there is a way to compute this operator. */
bool fvi_onnx_folds(const char *type);
/* The domain of what patterns become where ONNX has no operator for it: "Silu". */
#define FVI_ONNX_OWN "fovea"
/* Replaces what exporters took apart by the operator it stands for. */
fv_status fvi_onnx_match_patterns(fvi_onnx *onnx);
/* Marks the nodes that the output depends on, and counts the readers of every value. */
void fvi_onnx_mark_alive(fvi_onnx *onnx);
/* Checks that there is an entry for each operator, after telling the user of all. */
fv_status fvi_onnx_check_operators(fvi_onnx *onnx);
/* Nodes to layers: makes and finishes onnx->graph. */
fv_status fvi_onnx_map(fvi_onnx *onnx);
/* The reader on bytes in memory; folder: where external data lie, NULL: nowhere. path is for messages. */
fv_status fvi_onnx_read_bytes(fv_model **out, fv_context *context, const char *path, const char *folder,
                              const unsigned char *bytes, size_t size, const fv_onnx_read_options *options);

#endif
