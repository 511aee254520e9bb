/* SPDX-License-Identifier: Apache-2.0
 *
 * transform.h - the contract of a transform: one descriptor in one file, one line in table.c. Read by the parser (options), help and
 * docs (formula, source, options), the loader (apply, move, mix).
 *
 * Everything is computed in float32 or double without contraction, with the functions of base/math.h, so that an image is the same, bit for
 * bit, on every CPU.
 */
#ifndef FVI_TRANSFORM_H
#define FVI_TRANSFORM_H

#include "base/base.h"
#include "data/augment/augment.h"
#include "data/dataset_internal.h"
#include "data/image/picture.h"
#include "fovea/augment.h"

enum { FVI_TRANSFORM_CHANNELS = 4, FVI_TRANSFORMS_MOST = 64 };

typedef enum fvi_transform_option_type {
    FVI_OPTION_INT,   /* int32_t [count] */
    FVI_OPTION_REAL,  /* double [count] */
    FVI_OPTION_CHOICE /* int32_t: index in words */
} fvi_transform_option_type;

/* One member of the type's options struct. Of `count` numbers fewer may be given: the last is repeated. */
typedef struct fvi_transform_option {
    const char *name;
    fvi_transform_option_type type;
    size_t offset;
    int32_t count;
    double low, high;         /* legal range, ends included */
    const char *fallback;     /* the default, as text */
    const char *const *words; /* NULL-terminated */
    const char *help;         /* one line */
} fvi_transform_option;

/* What a read outside an image gives. Reflect: the edge pixel is not repeated (c b | a b c | b a). */
typedef enum fvi_fill { FVI_FILL_ZERO, FVI_FILL_REFLECT, FVI_FILL_EDGE } fvi_fill;
extern const char *const fvi_fill_words[];

/* What one worker keeps from image to image. Zeros to begin with. */
typedef struct fvi_augment_room {
    fvi_picture image, other;
    fvi_part
        part; /* of a larger image: this is what image is, until a transform has looked at it; eighths 0: it is the whole */
    fv_image_shape whole; /* then: the size of that */
    float *scratch;
    size_t scratch_floats;
} fvi_augment_room;
void fvi_augment_room_release(fvi_augment_room *room, fv_context *context);

typedef struct fvi_transform_call {
    fv_context *context; /* this thread's: memory and messages */
    const char *name;    /* of the transform */
    const void *options;
    const void *fitted; /* what fit() made, or NULL */
    const fv_augment_key *key;
    fvi_random random; /* this transform's own draws for this image, from the first on */
    fvi_augment_room *room;
} fvi_transform_call;

/* Whole-pixel moves are composed and read once: where in the source the image, h rows and w columns now, lies. */
typedef struct fvi_move {
    fvi_placement placement;
    int32_t h, w;
} fvi_move;

/* mixup, cutmix: one image of a batch and its partner. */
typedef struct fvi_mix_call {
    const void *options;
    fvi_random random;
    fv_image_shape shape;
    float *image;         /* [h][w][c], changed */
    const float *partner; /* as it was before any was mixed */
    double kept;          /* answer: the part of the image's own label */
} fvi_mix_call;

/* What a transform may do to the meaning of an image: which data it is warned about. */
enum { FVI_MIRRORS = 1, FVI_TURNS_QUARTER = 2, FVI_TURNS_HALF = 4, FVI_UPSIDE_DOWN = 8 };

typedef struct fvi_fit_source fvi_fit_source; /* fit.h */

/* A tensor that a transform has learned, as model files keep it. */
typedef struct fvi_learned {
    const char *name;
    fv_shape shape;
    float *values;
} fvi_learned;
enum { FVI_LEARNED_MOST = 2 };

typedef struct fvi_transform {
    const char *name, *also; /* also: another spelling, or NULL */
    const char *formula;     /* one line */
    const char *source;      /* who described it, or NULL */
    size_t options_size; /* every options struct begins with `double p`, how likely the transform is to be applied */
    const fvi_transform_option *options; /* without p; ends with a name of NULL; may be NULL */
    const char *p;                       /* default of p; NULL: always applied, there is no p */
    bool draws_p;                        /* it looks at p itself */
    bool sets_size;                      /* its result has a size of its own, not the image's */
    bool
        fixed; /* draws nothing but p: where p is 1 it does the same to every image, so that it is kept with the model */
    bool resizes; /* images of any size become one of that size: the network's own resizing does not come before it */
    bool crops; /* at random, to its option `size`: images that are not trained on are cropped at the centre instead */
    bool needs_unit, leaves_unit; /* works on values of 0 to 1 only; gives others */
    int64_t
        first_draw; /* FVI_AUGMENT_..._AT: where the first of this type in a list draws from; 0 and not `old`: its place in the list says */
    bool old;                                 /* first_draw counts */
    uint32_t (*meaning)(const void *options); /* FVI_MIRRORS ...; NULL: 0 */
    /* Options that contradict each other: FV_ERR_ARGUMENT with a message that says what, without the name. */
    fv_status (*check)(fvi_message *message, const void *options);
    fv_status (*shape)(fvi_message *message, const void *options, const fv_augment_key *key, fv_image_shape *shape);
    /* Of transforms whose apply resamples by fvi_resample_part(): what it will read of an image of this shape. */
    void (*region)(fvi_transform_call *call, fv_image_shape whole, fvi_region *region);
    /* One of these three. apply: room->image becomes the result. */
    fv_status (*apply)(fvi_transform_call *call);
    void (*move)(fvi_transform_call *call, fvi_move *move);
    void (*mix)(fvi_mix_call *call);
    fvi_fill (*fill)(const void *options); /* of moves; NULL: zero */
    bool (*needs_fit)(const void *options);
    fv_status (*fit)(fvi_fit_source *source, const void *options, void **fitted); /* one block of memory */
    /* Where `fixed` ones fit. learned: what lies there; returns how many. empty: room for tensors of these names and shapes; FV_ERR_FORMAT,
     * with a message, where they are not what learned would give. */
    fv_status (*empty)(fv_context *context, const fvi_learned *stored, int32_t count, void **fitted);
    int32_t (*learned)(const void *fitted, fvi_learned list[FVI_LEARNED_MOST]);
} fvi_transform;

/* All transforms, NULL-terminated: the only list. */
extern const fvi_transform *const fvi_transforms[];

typedef struct fvi_augment_place {
    const fvi_transform *transform;
    void *options;
    void *fitted;
    bool borrows; /* fitted is another list's */
    uint64_t first_draw;
    size_t text_at, text_size; /* in the list's text */
} fvi_augment_place;

struct fv_augmentation {
    fv_context *context;
    char *text;
    int32_t count;
    fvi_augment_place place[FVI_TRANSFORMS_MOST];
};

/* parse.c: fills count, place and text. */
fv_status fvi_augmentation_parse(fv_augmentation *augmentation, const char *text);

/* augmentation.c. preprocess: of the network, for images that the loader would resize and convert before the list; NULL: as they are. */
fv_status fvi_augmentation_fit(fv_augmentation *augmentation, const fv_dataset *data, const fv_augment_key *key,
                               const fv_preprocess *preprocess);
/* fixed.c: NULL is an empty list. */
bool fvi_augmentation_needs_fit_at(const fv_augmentation *augmentation, int32_t i);
/* Some transform resizes: the network's own resizing does not come before the list. */
bool fvi_augmentation_resizes(const fv_augmentation *augmentation);
/* Some transform gives values outside 0 to 1: it takes the place of the network's own mean and deviation. */
bool fvi_augmentation_leaves_unit(const fv_augmentation *augmentation);
/* Whether there is a transform that fv_augmentation_fixed() keeps. */
bool fvi_augmentation_has_fixed(const fv_augmentation *augmentation);
/* The first that it would not keep, or NULL. */
const fvi_transform *fvi_augmentation_random(const fv_augmentation *augmentation);
/* The list `kept` of a model with the random transforms of a run: before the first of kept that leaves 0 to 1, those that mix at the
 * end. Borrows what kept has learned. */
fv_status fvi_augmentation_join(fv_augmentation **out, const fv_augmentation *kept, const fv_augmentation *run);

/* augmentation.c, for the loader. room->image holds the image and then the result of the first `places`. context: this thread's. */
fv_status fvi_augmentation_run(const fv_augmentation *augmentation, const fv_augment_key *key, int32_t places,
                               fvi_augment_room *room, fv_context *context);
/* Whether the list begins with a transform that can say which part of an image it reads; which that is. */
bool fvi_augmentation_has_region(const fv_augmentation *augmentation);
void fvi_augmentation_region(const fv_augmentation *augmentation, const fv_augment_key *key, fv_image_shape whole,
                             fvi_region *region);
/* Whether the list does nothing but move whole pixels (crop, shift, mirror) with zeros outside: then fvi_augmentation_place() says where each pixel of
 * the input comes from, and pixels are read once, as bytes. */
bool fvi_augmentation_only_moves(const fv_augmentation *augmentation);
fvi_placement fvi_augmentation_place(const fv_augmentation *augmentation, const fv_augment_key *key,
                                     fv_image_shape source, fv_image_shape input);

/* For transforms. The other picture gets this shape; when it is filled, fvi_transform_done() makes it the image. */
fv_status fvi_transform_begin(fvi_transform_call *call, fv_image_shape shape, fvi_picture **out);
void fvi_transform_done(fvi_transform_call *call);
fv_status fvi_transform_scratch(fvi_transform_call *call, size_t floats, float **out);
/* room->image becomes what the move reads. */
fv_status fvi_transform_move(fvi_transform_call *call, const fvi_move *move, fvi_fill fill);
/* Uniform in [low, high). */
double fvi_transform_between(fvi_transform_call *call, double low, double high);
/* A size as options give it: itself, else the network's input, else the image's own. */
int32_t fvi_size_or(int32_t given, int32_t input, int32_t own);
void fvi_move_crop(fvi_move *move, int32_t h, int32_t w, int32_t row, int32_t column);
void fvi_move_shift(fvi_move *move, int32_t rows, int32_t columns);
void fvi_move_mirror(fvi_move *move);
void fvi_move_centre(fvi_move *move, int32_t h, int32_t w); /* cropped or padded, as fvi_placement_centred() */

/* sample.c */
/* Which of n pixels index i reads, or -1: zero. */
int32_t fvi_fill_index(int64_t i, int32_t n, fvi_fill fill);
/* out [c] is image at (y, x), between pixels linearly. */
void fvi_sample_bilinear(const fvi_picture *image, double y, double x, fvi_fill fill, float *out);
/* Output pixel (y, x), counted from the centre, is the image at (m[0] y + m[1] x + m[2], m[3] y + m[4] x + m[5]), counted from its
 * centre. */
fv_status fvi_warp_affine(fvi_transform_call *call, const double m[6], fvi_fill fill);
/* The box of h by w (fractions count) at (y, x) becomes rows by columns: the triangle filter, as wide as a pixel of the result where that is
 * larger (antialiasing). */
typedef struct fvi_box {
    double y, x, h, w;
} fvi_box;
fv_status fvi_resample_picture(fvi_transform_call *call, fvi_box box, int32_t rows, int32_t columns);
/* The same with a box of the whole image, where room->image may be a part of it (room->part). fvi_whole_shape: of that image. */
fv_status fvi_resample_part(fvi_transform_call *call, fvi_box box, int32_t rows, int32_t columns);
fv_image_shape fvi_whole_shape(const fvi_transform_call *call);
/* planes of values [h][w][c]: convolved with a normalised Gaussian of so many pixels, cut at three deviations; edges as fill. */
fv_status fvi_blur_gaussian(fvi_transform_call *call, double deviation, fvi_fill fill);
/* Half the width of that kernel, and its weights [radius + 1] from the middle on, whose sum over both sides is 1. */
enum { FVI_GAUSSIAN_RADIUS = 1024 };
int32_t fvi_gaussian_kernel(double deviation, float weights[FVI_GAUSSIAN_RADIUS + 1]);

/* colour.c */
static inline float fvi_clip(float x)
{
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}
float fvi_luma_of(const float *rgb);                   /* ITU-R BT.601 */
void fvi_rgb_to_hsv(const float rgb[3], float hsv[3]); /* each of 0 to 1 */
void fvi_hsv_to_rgb(const float hsv[3], float rgb[3]);

/* noise.c: count values of N(0, 1), of four draws each two. */
void fvi_fill_gaussian(fvi_random *random, size_t count, float *out);
double fvi_random_beta(fvi_random *random, double alpha); /* Beta(alpha, alpha) */

/* What transforms lend to corruptions. */
fv_status fvi_elastic_field(fvi_transform_call *call, double sigma, int32_t h, int32_t w, const float **down,
                            const float **across);
fv_status fvi_elastic_warp(fvi_transform_call *call, double alpha, double sigma, fvi_fill fill);
void fvi_add_gaussian(fvi_picture *image, fvi_random *random, double deviation);
void fvi_adjust_brightness(fvi_picture *image, double factor);
void fvi_adjust_contrast(fvi_picture *image, double factor);
void fvi_adjust_saturation(fvi_picture *image, double factor);
void fvi_adjust_hue(fvi_picture *image, double turns);

#endif
