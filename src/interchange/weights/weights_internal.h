/* SPDX-License-Identifier: Apache-2.0
 *
 * weights_internal.h - what the files of this folder share:
 *
 *   weights.c   opening a file, looking at its tensors, reading their values as float32
 *   names.c     the names of other programs: tables of what becomes what
 *   match.c     which tensor is which parameter's, and in which order its axes lie
 *   order.c     the same where names say nothing
 *   load.c      the values into a network, and the report
 *   head.c      classifiers: which layers they are, and another number of classes
 */
#ifndef FVI_WEIGHTS_INTERNAL_H
#define FVI_WEIGHTS_INTERNAL_H

#include "base/arena.h"
#include "base/convert.h"
#include "data/sets/npy.h"
#include "fovea/weights.h"
#include "interchange/safetensors.h"

enum { FVI_WEIGHTS_NAME = 512 };

struct fv_weights {
    fv_context *context;
    fvi_arena *arena; /* of the file's names */
    const char *path;
    fv_weights_format format;
    fvi_safetensors file; /* SAFETENSORS: open */
    fv_model *model;      /* MODEL */
    fvi_npy *arrays;      /* NUMPY: [count] their headers */
    fvi_npz *npz;         /* NUMPY: open, behind array `read` - 1 */
    int32_t read;
    fv_weights_tensor *tensors;
    int32_t count;
    fvi_arena *report_memory; /* of the report's items; NULL: there is none */
    fv_weights_report report;
};

/* Parameters by name. */
typedef struct fvi_param_name {
    const char *name; /* borrowed from the params */
    int32_t index;
} fvi_param_name;

typedef struct fvi_param_names {
    fvi_param_name *sorted;
    int32_t count;
} fvi_param_names;
int32_t fvi_param_names_find(const fvi_param_names *params, const char *name); /* index, or -1 */

/* Whether name becomes a parameter's by the table: without prefixes such as "module.", then by each rule that fits, one after the other, until
 * the result is one. out is what it came to in any case. */
bool fvi_names_translate(const fvi_param_names *params, const char *name, char out[FVI_WEIGHTS_NAME]);
/* "block1_conv1/kernel:0" as "block1_conv1.weight": the last word is one of Keras's (or "bias"). False: it is not. */
bool fvi_names_of_keras(const char *name, char out[FVI_WEIGHTS_NAME]);
/* Whether a tensor that no parameter takes is of no use anyway. */
bool fvi_names_ignored(const fvi_param_names *params, const char *name);

/* How the axes of a tensor become those of its parameter. */
typedef enum fvi_axes {
    FVI_AXES_SAME = 0,  /* the same numbers in the same order */
    FVI_AXES_HWIO,      /* [r,s,b,a] to [a,b,r,s] */
    FVI_AXES_DEPTHWISE, /* [r,s,c,m] to [c*m,1,r,s] */
    FVI_AXES_DENSE,     /* [inputs,units] to [units,inputs]; inputs of an image from h,w,c to c,h,w */
    FVI_AXES_FEATURES   /* a vector over a flattened image, from h,w,c to c,h,w */
} fvi_axes;

/* What was found for a parameter. */
typedef struct fvi_match {
    int32_t tensor; /* -1: none */
    fvi_axes axes;
    fv_image_shape image; /* DENSE, FEATURES: what was flattened; h = w = 1: nothing */
    bool fits;
    bool head; /* a parameter of a classifier */
} fvi_match;

/* A matching under way: of the tensors of one file to the parameters of one network. */
typedef struct fvi_matching {
    const fv_params *params;
    const fv_weights *weights;
    fvi_arena *arena; /* of all that is below */
    fvi_param_names names;
    fvi_match *match; /* [parameters] */
    bool *used;       /* [tensors] some parameter's */
    fv_weights_layout layout;
    bool renamed, by_order;
} fvi_matching;
/* Fills it all in; layout as asked for. */
fv_status fvi_weights_match(fvi_matching *matching, const fv_params *params, const fv_weights *weights,
                            fv_weights_layout layout, fvi_arena *arena);

/* For a file none of whose names is known: sets match[].tensor, used and by_order. */
fv_status fvi_weights_match_order(fvi_matching *matching);

/* is[nodes of graph]: whether it is a classifier: the last layer with weights before the output, or before a loss. */
void fvi_graph_heads(const fv_graph *graph, bool *is);

#endif
