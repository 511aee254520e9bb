/* SPDX-License-Identifier: Apache-2.0
 *
 * layer.h - the contract of a layer type: one descriptor in one file, one line in layer_table.c.
 *
 * A descriptor is read by: the graph (attributes, infer), the planner (setup, what backward reads, in_place), the session
 * (forward, backward), YAML, model files, help, summary and docs (attributes). Nobody else knows layers.
 * How to add one: docs/adding-a-layer.md.
 */
#ifndef FVI_LAYER_H
#define FVI_LAYER_H

#include "base/arena.h"
#include "base/parts.h"
#include "base/random.h"
#include "fovea/batch.h"
#include "fovea/params.h"
#include "fovea/quantize.h"
#include "kernel/kernels.h"
#include "kernel/watch.h"
#include "tensor/view.h"

enum { FVI_LAYER_PARAMS = 4, FVI_LIST_VALUES = 65536 /* most of a list-valued attribute */ };

typedef enum fvi_attribute_type {
    FVI_ATTRIBUTE_INT,  /* int32_t [count] */
    FVI_ATTRIBUTE_REAL, /* double */
    FVI_ATTRIBUTE_BOOL, /* bool */
    FVI_ATTRIBUTE_ENUM, /* an enum, stored as int; words names its values from 0 on, NULL-terminated */
    FVI_ATTRIBUTE_INIT, /* fv_initializer */
    FVI_ATTRIBUTE_INTS, /* fv_int_list: each value in range, zero included or not like any other; how many: infer's to check */
    FVI_ATTRIBUTE_REALS /* fv_real_list, likewise */
} fvi_attribute_type;

/* One member of the type's options struct. Drives YAML and JSON reading and writing, range checks, help and docs. */
typedef struct fvi_attribute {
    const char *name; /* as in YAML */
    fvi_attribute_type type;
    size_t offset;    /* in the options struct */
    int32_t count;    /* INT: 1, 2 (one given value fills both), 3 or 4 (one or two given fill all); else 1 */
    double low, high; /* INT and REAL: legal range, ends included; zero means "default" and is legal unless required */
    bool required;
    const char *fallback; /* the default as text, for help */
    const char *const *words;
    const char *help; /* one line */
} fvi_attribute;

typedef struct fvi_declared_param {
    const char *suffix; /* "weight", "bias" */
    fv_shape shape;
    int64_t fan_in, fan_out;
    fv_initializer initializer; /* resolved */
    bool decayed, trained;
    bool frozen;     /* trained but for fv_graph_freeze(), which makes trained false, and momentum 0 */
    double momentum; /* of a statistic (trained false): see fv_param_info; 0: a constant that nothing changes */
    double max_norm; /* 0: no bound; else for each index of the shape's first axis: see fv_param_info */
} fvi_declared_param;

/* Which cells of its inputs an output cell (i, j) reads, for receptive fields: rows first[0] + i*step[0] and size[0] in all,
 * likewise columns. size 0, the default: the cell in the same place. */
typedef struct fvi_reach {
    double size[2], step[2], first[2];
    bool whole; /* every output reads all cells: dense, flatten, global pooling */
} fvi_reach;

typedef struct fvi_layer fvi_layer;

/* For infer: what is known of a node, and what the layer answers. */
typedef struct fvi_infer {
    fv_context *context;
    const fvi_layer *layer; /* the type, for descriptors that share their functions; set by fvi_layer_infer() */
    const char *name;       /* the node's, for messages */
    const void *options;
    const fv_image_shape *in;
    int32_t input_count;
    /* answers */
    fv_image_shape out;
    int64_t multiply_adds; /* one image, forward; 0 for element-wise layers */
    fvi_reach reach;
    fvi_declared_param param[FVI_LAYER_PARAMS];
    int32_t param_count;
} fvi_infer;

/* What a step does behind its layer's own formula, for the nodes that the planner made a part of it (src/plan/fuse.c):
 * y = f(own * a[c] + b[c] + x[summand]), where a and b are an inference batch normalisation's. */
typedef struct fvi_fused {
    int32_t summand;                  /* index of the input that is added; 0: none, since input 0 is the layer's own */
    const fvi_activation *activation; /* f; NULL: f(x) = x */
    const fvi_layer *affine;          /* whose affine() gives a and b; NULL: 1 and 0 */
    const void *affine_options;
} fvi_fused;

enum {
    FVI_FUSES_SUM = 1,
    FVI_FUSES_ACTIVATION = 2,
    FVI_FUSES_AFFINE = 4,
    FVI_FUSES_BY_INPUT =
        8 /* training: without a sum, also activations whose f' comes from their input, which backward makes again */
};

/* For setup: what the planner knows of a node, and what the layer answers. */
typedef struct fvi_setup {
    fv_context *context;
    fvi_arena *arena; /* the plan's: for `prepared` */
    const fvi_layer *layer;
    const char *name;
    const void *options;
    const fv_image_shape *in;
    int32_t input_count;
    fv_image_shape out;
    fv_dtype dtype;
    bool reference;
    bool backward;                 /* the plan trains */
    bool wants_dx;                 /* some input's gradient is needed */
    int32_t batch;                 /* largest n */
    const fvi_fused *fused;        /* NULL: nothing */
    bool keeps_bytes;              /* x[0] and y are stored in bytes of one scale */
    const fv_quantized *quantized; /* weights are signed bytes, and x[0] is stored in bytes; NULL: neither */
    bool mixed;     /* mixed precision: tensors may be stored in bf16, and dtype is what the layer computes in */
    int32_t images; /* of the whole batch, where `batch` is a piece of it */
    /* Answers. backward_reads is the descriptor's to begin with, and with an activation behind it the output too; a layer that
     * can do with less says so. */
    uint32_t backward_reads;
    void *prepared;               /* the layer's own, e.g. an fvi_conv2d_plan; from arena */
    size_t saved_bytes;           /* written by forward, read by backward; for the largest batch */
    size_t scratch_bytes;         /* for one call of any pass, all threads together; contents free */
    size_t gathered_bytes;        /* of layers with gather() */
    size_t pass_scratch_bytes[3]; /* less for forward; backward by data or whole; by weights; 0: as scratch_bytes */
    size_t packed_bytes;          /* parameters packed by pack() */
    size_t packed_backward_bytes; /* and by pack_backward() */
    int32_t input_border[4];      /* wanted on every input, holding zeros: top, left, bottom, right */
    int32_t gradient_border[4];   /* wanted on dy, holding zeros */
    uint32_t
        takes_bf16; /* mixed: bit (1 << answer) for each of the three of `algorithm` that reads and writes tensors as they are
                          * stored (fvi_view.is_bf16), of all images at once; others get float32 copies, piece by piece */
    bool takes_u8; /* quantized, keeps_bytes: forward reads and writes tensors as they are stored (fvi_view.is_u8) */
    bool weights_by_rows;  /* backward_weights can do a part of the rows of parameter 0: see fvi_call.rows */
    int32_t first_channel; /* joins: where the first input's channels begin in y (-1: not side by side after all);
                                 * slices: which channel of x[0] is y's first, -1 likewise. 0 unless the layer says otherwise */
    const char
        *algorithm[3]; /* forward; backward by data (or whole backward); backward by weights; NULL: nothing to tell */
    const char *refused[3]; /* "name: reason\n"... or NULL */
    const char *timed[3];   /* "name: 1.234 ms\n"..., the fastest first, or NULL */
} fvi_setup;

/* For forward and backward: views are resolved, borders hold zeros where setup asked for them. */
typedef struct fvi_call {
    fv_context *context;
    const fvi_kernels *kernels; /* of the plan's dtype and instruction set */
    const char *name;
    fvi_message *message; /* for what fails at run time (targets) */
    const void *options, *prepared;
    fv_dtype dtype;
    bool training;         /* statistics of the batch, random masks. False: inference, also inside a plan that trains */
    uint64_t seed, stream; /* the session's, and a hash of the node's name: fvi_call_random() */
    int32_t n;             /* images in this call; every view has exactly n */
    int32_t input_count;
    const fvi_view *x; /* [input_count] */
    fvi_view y;
    fvi_view dy; /* backward; data is NULL for a loss */
    const fvi_view *
        dx; /* backward: [input_count]; data NULL: not wanted (its sizes are set all the same). Overwritten, never added to. May be the same
                         * memory as dy when the descriptor says in_place */
    fvi_view plus;             /* backward, adds_dx: added to dx[0], never its memory; data NULL: nothing */
    const fvi_fused *fused;    /* NULL: nothing */
    void *const *affine_param; /* values of the parameters of fused->affine */
    void *const *param;        /* values in canonical orientation, in the order declared */
    /* Backward: gradients, overwritten. Of a statistic (momentum > 0) what the call observed times fvi_call_share(), so that
     * sums over the blocks of a batch are its mean; of a constant (not trained, momentum 0) nothing. */
    void *const *dparam;
    /* backward_weights, where setup said weights_by_rows: gradients of `rows` indices of each parameter's first axis from first_row on;
     * 0: of all. dparam[0] is where the first of these rows goes; the others are whole. */
    int32_t first_row, rows;
    void *packed; /* what pack() wrote, or, in backward and backward_data, pack_backward(): not the same memory */
    void *saved, *scratch;
    void *gathered;   /* gathered_bytes that last from gather() to the end of the pass; NULL: nothing is gathered */
    bool is_gathered; /* gather()'s: the pass finds its sums there */
    const fvi_watch *watch; /* shows_y: to be told of what this call writes to y; NULL: nobody */
    const fv_batch *batch;  /* targets of losses, keys of random draws; never NULL */
    double scale;           /* losses, backward: 1 / divisor; the layer multiplies it with its own weight option */
    double loss; /* losses, forward: answer, sum over samples of sample weight * option weight * loss. A loss's
                            * y has shape 1x1x1 and gets each sample's share of that sum, unless y.data is NULL */
} fvi_call;

enum { FVI_READS_INPUT = 1, FVI_READS_OUTPUT = 2, FVI_READS_SAVED = 4 };

/* One stage of what a layer computes, for drawings. reads: names of stages before it, and "x" for the layer's inputs, with
 * spaces between. The last stage is the output. */
typedef struct fvi_stage {
    const char *name, *formula, *reads;
} fvi_stage;

struct fvi_layer {
    const char *name;
    const char *onnx_op;
    const char *formula;             /* one line for help and docs */
    const fvi_stage *inside;         /* NULL: one stage; else ends with a name of NULL */
    size_t options_size;             /* every options struct begins with `const char *name` */
    const fvi_attribute *attributes; /* ends with a name of NULL; may be NULL */
    int32_t min_inputs, max_inputs;  /* max 0: any number */
    bool is_input, is_loss;
    bool in_place; /* y may be x[0]'s memory (which no other input shares then), dx[0] may be dy's */
    bool is_view;  /* y holds x[0]'s elements: flatten, identity. The planner may drop the step; see src/plan */
    bool
        flattens; /* reads an image as the vector of its elements in the order c, h, w (dense): a flatten before it costs nothing */
    bool
        joins; /* y is the inputs' channels one after the other (concat), perhaps with others around them (pad): any x[i] may
                    * lie in its place of y already, and any dx[i] in its place of dy */
    bool
        selects; /* each value of y is one of x[0]'s in the same channel, and gets all that goes back to it: max pooling. Where x[0] = f(z) with
                    * f' 0 or 1, f may be undone over dy, by y, instead of over dx by x[0] */
    bool
        slices; /* y is neighbouring channels of x[0], unless setup says otherwise: y may lie in their place of x[0], and then forward is not called */
    bool
        whole_batch; /* images depend on each other (batch normalisation). Of others each image is computed by itself, its part of
                      * saved lies in order, parameter gradients are sums over images: then mixed precision cuts the batch in
                      * pieces, src/plan/precision.c */
    /* Fusing, src/plan/fuse.c. What may become a part of this layer's step in inference, and in training: there backward begins
     * with dy behind all of it. A layer with backward_weights need not undo an activation: the planner does that before. */
    uint32_t fuses, fuses_training; /* FVI_FUSES_... */
    bool dx_over_dy;                /* dx[0] may be dy's memory though y may not be x[0]'s */
    bool takes_int8; /* forward can compute on bytes, with weights in signed bytes: fvi_setup.quantized */
    bool adds_dx;    /* backward (backward_data) adds call->plus to dx[0] */
    bool shows_y;    /* forward tells call->watch of y */
    /* What the layer is to others: an element-wise f (NULL: none); a sum of its inputs; in inference y = x * a[c] + b[c], written to ab
     * [2][channels] from the values of its parameters (NULL: no such map; is_affine, NULL: always: whether it is one with these options). */
    fvi_activation (*activation)(const void *options);
    bool sums;
    bool (*is_affine)(const void *options);
    void (*affine)(const void *options, fv_dtype dtype, size_t channels, void *const *param, void *ab);
    uint32_t backward_reads; /* FVI_READS_... */
    fv_status (*infer)(fvi_infer *node);
    fv_status (*setup)(fvi_setup *node); /* NULL: nothing to prepare */
    /* How many images a call that trains needs at the least; INT32_MAX: there are never enough. NULL: 1 */
    int32_t (*least_images)(const void *options, fv_image_shape in);
    /* NULL: nothing to pack. Read param, write packed, may use scratch: for forward and repeat; for backward or backward_data. */
    void (*pack)(const fvi_call *call);
    void (*pack_backward)(const fvi_call *call);
    fv_status (*forward)(fvi_call *call);
    fv_status (*backward)(fvi_call *call);
    /* Writes y once more, the same bits, from x and what forward saved, for much less than a convolution takes: then the planner
     * need not keep y for backward (src/plan/repeat.c). NULL: it is kept. */
    fv_status (*repeat)(fvi_call *call);
    /* Inference: three nodes of this type in a row, each the only reader of the one before it. Whether their forward passes run as one, so that what
     * lies between is nowhere, and the scratch of that; *reason where not. forward_chain: calls of the three, scratch in the last's. */
    bool (*chains)(const fvi_setup *const node[3], void **prepared, size_t *scratch_bytes, const char **reason);
    fv_status (*forward_chain)(const void *prepared, fvi_call *calls);
    /* Layers whose forward pass begins with sums over x[0], where the step before this call's writes all of that: it tells the watch which
     * this returns, and forward then finds is_gathered. The watch stays until then. NULL: not this time. */
    const fvi_watch *(*gather)(fvi_call *call);
    /* Layers with statistics: writes them as backward does (dparam), after forward. */
    void (*observe)(const fvi_call *call);
    /* Instead of backward, for layers with parameters: two parts, so that each is timed and parameter gradients are
     * announced first. Of the two only backward_weights may read what backward_reads names. */
    fv_status (*backward_weights)(fvi_call *call);
    fv_status (*backward_data)(fvi_call *call);
};

/* All layer types, NULL-terminated: the only list. */
extern const fvi_layer *const fvi_layers[];
const fvi_layer *fvi_layer_find(const char *name); /* NULL: none */
/* Also among the types that the program registered with a context (custom.c). */
const fvi_layer *fvi_layer_find_in(const fv_context *context, const char *name);
const fvi_layer *fvi_layer_nearest(const char *name); /* to a misspelt one; NULL when none is near */

/* Gives options, a copy of a node's, lists of their own: their values are copied into arena. FV_ERR_MEMORY. */
fv_status fvi_layer_copy_lists(const fvi_layer *layer, fv_context *context, fvi_arena *arena, void *options);

/* What the graph calls: checks the number of inputs, their sizes and every option against the attribute table, then
 * layer->infer(). node->options is never NULL. On failure the context's message names the layer, the option and the value. */
fv_status fvi_layer_infer(const fvi_layer *layer, fvi_infer *node);

/* The draws that a layer makes for image `image` of a call: a function of the session's seed, the batch's epoch, the
 * sample and the node's name, hence the same for any threads and any split of the batch into calls, forward and backward. */
fvi_random fvi_call_random(const fvi_call *call, int32_t image);
/* What part of the batch whose gradients are summed this call is: 1 unless the batch is computed in blocks. */
double fvi_call_share(const fvi_call *call);

#endif
