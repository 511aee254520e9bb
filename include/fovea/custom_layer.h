/* SPDX-License-Identifier: Apache-2.0
 *
 * custom_layer.h - layer types of a program's own, made outside the library and known to one context: in graphs, plans, training,
 * gradient checks, descriptions and model files they are like any other. examples/custom_layer.c is a whole one.
 */
#ifndef FOVEA_CUSTOM_LAYER_H
#define FOVEA_CUSTOM_LAYER_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_CUSTOM_OPTIONS = 8, FV_CUSTOM_PARAMS = 4, FV_CUSTOM_INPUTS = 8 };

/* A tensor as a layer sees it, channels last: element (image n, row h, column w, channel c) is
 * data[n*image_stride + h*row_stride + w*pixel_stride + c]. Strides are in elements; what lies between is not the layer's.
 * A vector of c features has h = w = 1. */
typedef struct fv_custom_tensor {
    void *data; /* float, or double where fv_custom_call.dtype is FV_F64 */
    int32_t n, h, w, c;
    ptrdiff_t image_stride, row_stride, pixel_stride;
} fv_custom_tensor;

/* A parameter that a layer declares: its values are found by the name "<node>.<suffix>". */
typedef struct fv_custom_param {
    const char *suffix; /* "weight", "bias", ...; of each once; must live as long as the context */
    fv_shape shape;
    int64_t fan_in, fan_out;    /* for initialisers that ask; 0 means 1 */
    fv_initializer initializer; /* FV_INIT_DEFAULT: constant 0 */
    bool decayed;               /* weight decay applies */
} fv_custom_param;

/* What infer is told of a node, and what it answers. */
typedef struct fv_custom_infer {
    void *user;
    const char *name;     /* the node's */
    const double *option; /* [FV_CUSTOM_OPTIONS], defaults filled in */
    const fv_image_shape *in;
    int32_t input_count;
    /* Answers. out is in[0] unless the layer says otherwise. */
    fv_image_shape out;
    int64_t multiply_adds; /* one image, forward; 0 for element-wise layers */
    fv_custom_param param[FV_CUSTOM_PARAMS];
    int32_t param_count;
    char problem[256]; /* with a status other than FV_OK: what does not fit, as a user should read it */
} fv_custom_infer;

/* A pass over some images: every tensor has the same n. */
typedef struct fv_custom_call {
    void *user;
    const double *option; /* as in fv_custom_infer */
    fv_dtype dtype;       /* of all data: FV_F32, or FV_F64 in plans of float64, which gradient checks are */
    bool training;        /* the pass trains; false: inference */
    int32_t input_count;
    const fv_custom_tensor *x;  /* [input_count] */
    fv_custom_tensor y;         /* forward writes it; backward: data is NULL where the type ignores it */
    fv_custom_tensor dy;        /* backward */
    const fv_custom_tensor *dx; /* backward_data: [input_count], overwritten; data NULL: not wanted */
    void *const *param;         /* values, in the order declared; each dense in its shape */
    void *const *dparam;        /* backward_params: gradients, overwritten */
} fv_custom_call;

/* One number that a node of this type may be given, in options and as a key in descriptions. */
typedef struct fv_custom_option {
    const char *name; /* lower-case letters, digits, underscores */
    double fallback;  /* what 0, or nothing, means */
    double low, high; /* legal range, ends included */
    const char *help; /* one line, or NULL */
} fv_custom_option;

/* A layer type. Images must not depend on each other, and a pass must not depend on how often or in which thread it is called:
 * forward and backward_data are called for several runs of images at once, each call with images of its own. */
typedef struct fv_custom_layer {
    const char *name;    /* the type's: lower-case letters, digits, underscores; not one that exists */
    const char *formula; /* one line, or NULL */
    void *user;          /* handed to every function, never read */
    int32_t min_inputs;  /* 0 means 1 */
    int32_t max_inputs;  /* 0 means min_inputs; at most FV_CUSTOM_INPUTS */
    fv_custom_option option[FV_CUSTOM_OPTIONS]; /* those in use come first; a name of NULL ends them */
    bool ignores_input;                         /* backward does not look at the data of x: it need not be kept */
    bool ignores_output;                        /* nor at that of y */
    /* Shapes in, shapes out, parameters. FV_OK, or FV_ERR_SHAPE or FV_ERR_ARGUMENT with `problem` set. NULL: y has x[0]'s shape,
     * and there are no parameters. */
    fv_status (*infer)(fv_custom_infer *node);
    void (*forward)(const fv_custom_call *call);       /* y from x and param */
    void (*backward_data)(const fv_custom_call *call); /* dx from dy, x, y, param; NULL: the type cannot train */
    /* dparam from dy, x, y, param, summed over the images: called once for all images of a call. NULL without parameters. */
    void (*backward_params)(const fv_custom_call *call);
} fv_custom_layer;

/* Options of a node, for fv_graph_add(): values in the order of fv_custom_layer.option, 0 for the default. */
typedef struct fv_custom_options {
    const char *name; /* NULL: "<type><number>" */
    double value[FV_CUSTOM_OPTIONS];
} fv_custom_options;

/* Makes a layer type known to a context, until fv_context_destroy(). The struct and its texts are copied; `user` is borrowed.
 * To be called before a graph, a description or a model file with that type is read. Errors: FV_ERR_ARGUMENT (a name that is
 * taken or not of the form above, no forward, numbers of inputs or ranges that make no sense), FV_ERR_MEMORY. */
FV_API fv_status fv_layer_register(fv_context *context, const fv_custom_layer *layer);

#ifdef __cplusplus
}
#endif

#endif
