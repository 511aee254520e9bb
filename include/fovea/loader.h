/* SPDX-License-Identifier: Apache-2.0
 *
 * loader.h - turns a data set into batches: order, augmentation, preprocessing.
 */
#ifndef FOVEA_LOADER_H
#define FOVEA_LOADER_H

#include "fovea/augment.h"
#include "fovea/batch.h"
#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_MAX_CHANNELS = 4 };

/* How pixels become the network's input; travels with the model file. x = (pixel/255 - mean[c]) / deviation[c]. First the image is
 * resized so that its shorter side has `resize` pixels (bilinear with antialiasing, rounded to bytes). An image that then is not `input` rows and columns is padded with zero pixels (before the normalisation) or cropped, centred; in training a crop's place is random where
 * augmentation says so. `transforms` comes between: images pass it, as fractions of 1, before they are cropped and normalised; one that resizes takes
 * the place of `resize`. */
typedef struct fv_preprocess {
    fv_image_shape input;              /* what the network takes */
    double mean[FV_MAX_CHANNELS];      /* fractions of 255 */
    double deviation[FV_MAX_CHANNELS]; /* 0 means 1 */
    int32_t resize;                    /* 0: images keep their size */
    const fv_augmentation *transforms; /* of every image: fv_augmentation_fixed(); fitted, borrowed; NULL: none */
    bool
        decode_whole; /* JPEG files are never decoded smaller than they are, where that is enough for what becomes of them: slower, pixels a little different */
    int32_t classes;
    const char *const *class_names; /* [classes], borrowed, or NULL */
} fv_preprocess;

typedef struct fv_augment {
    int32_t shift;    /* random translation by up to so many pixels each way, zero filled */
    bool random_crop; /* where the image is larger than the input: a random place instead of the centre */
    bool flip;        /* mirrored left to right with probability 1/2 */
} fv_augment;

typedef struct fv_loader_options {
    int32_t batch; /* required */
    bool shuffle;  /* a new order each epoch, from (seed, epoch) */
    uint64_t seed;
    fv_preprocess preprocess;
    fv_augment augment; /* zeros: none. Draws depend on (seed, epoch, sample) only */
    /* Instead of augment and preprocess.transforms, which it contains: a list of transforms, fitted where it needs that; borrowed, NULL: none. With mixup or cutmix batches have soft labels
     * (fv_batch.values) and no classes. */
    const fv_augmentation *augmentation;
    int32_t
        workers; /* threads that fetch samples ahead; 0: the context's threads fetch a batch when it is asked for. Batches
                           are the same for any number, except for which of several bad samples is told first */
    int32_t ahead; /* workers: batches kept ready, beside the one that the caller holds; 0 means 2 */
    bool
        skip_bad; /* samples that cannot be read are left out and logged (FV_LOG_WARNING); false: the first one is an error */
    /* [classes], copied: batches have weights (fv_batch.weights), each sample that of its class, or of its mixed label; NULL: none. */
    const float *class_weights;
    /* [count of the set], copied, at least 0 and not all 0: an epoch is as many draws as there are samples, each drawn anew from all of
     * them, with chances in proportion to these. What is drawn depends on (seed, epoch) only. A sample that comes twice in an epoch is
     * augmented twice: fv_batch.samples then holds places in the epoch. NULL: each sample once an epoch. */
    const float *sample_weights;
    double patience; /* workers: seconds that one may take for one sample before fv_loader_next() fails; 0 means 60 */
} fv_loader_options;

/* Batches of one data set. One thread at a time. */
typedef struct fv_loader fv_loader;

/* Owned by the caller; borrows dataset. */
FV_API fv_status fv_loader_create(fv_loader **out, fv_context *context, const fv_dataset *dataset,
                                  const fv_loader_options *options);
FV_API void fv_loader_destroy(fv_loader *loader);
/* Starts epoch `epoch` (0, 1, ...) from sample position `position` (0 for the beginning). */
FV_API void fv_loader_start(fv_loader *loader, int64_t epoch, int64_t position);
/* The next batch, valid until the next call; n = 0 at the end of the epoch; the last one may be short, and with skip_bad
 * others too. Images are float32, NHWC. A sample that cannot be read is tried once more; then errors name its file. FV_ERR_IO
 * names a worker that hangs, and its file: then destroy the loader. */
FV_API fv_status fv_loader_next(fv_loader *loader, fv_batch *batch);
/* Samples of the epoch so far, bad ones included: where fv_loader_start() would go on behind the last batch. */
FV_API int64_t fv_loader_position(const fv_loader *loader);
/* Samples left out since the loader was made. */
FV_API int64_t fv_loader_skipped(const fv_loader *loader);
/* Index in the data set of sample i of the last batch. */
FV_API int64_t fv_loader_index(const fv_loader *loader, int32_t i);
FV_API const char *fv_loader_message(const fv_loader *loader);
/* A number for each class of dataset into weights[classes], for fv_loader_options: "none" or NULL: 1 for each. "auto": in inverse proportion to
 * how many samples the class has, so that classes count alike, the mean over the samples being 1. "cat=2, dog=0.5": these, and 1 for the
 * others; a name with spaces or commas stands in double quotes. dataset NULL: only the text is checked, weights may be NULL.
 * FV_ERR_ARGUMENT tells what is wrong, and the class that was perhaps meant. */
FV_API fv_status fv_class_weights_read(fv_context *context, const fv_dataset *dataset, const char *text,
                                       float *weights);
/* Whether text says that there are none. */
FV_API bool fv_class_weights_none(const char *text);
/* One image (bytes [c][h][w] of `shape`) to floats (NHWC, preprocess->input) with no augmentation. Grey becomes RGB and RGB grey
 * (ITU-R 601 luma) where the channel counts differ. FV_ERR_SHAPE otherwise. */
FV_API fv_status fv_preprocess_image(fv_context *context, const fv_preprocess *preprocess, const uint8_t *image,
                                     fv_image_shape shape, float *out);
/* The same from a file, read as a loader reads it: what evaluation of an image folder sees. Errors name the file: those of fv_image_read(),
 * and FV_ERR_SHAPE also where nothing resizes and it is more than twice as large or small as the input. */
FV_API fv_status fv_preprocess_file(fv_context *context, const fv_preprocess *preprocess, const char *path, float *out);

#ifdef __cplusplus
}
#endif

#endif
