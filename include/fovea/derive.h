/* SPDX-License-Identifier: Apache-2.0
 *
 * derive.h - a data set made of another for experiments: a part of it, noisy labels, shuffled pixels (Zhang et al. 2017,
 * "Understanding deep learning requires rethinking generalization", arXiv:1611.03530).
 */
#ifndef FOVEA_DERIVE_H
#define FOVEA_DERIVE_H

#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_pixel_order {
    FV_PIXELS_KEPT = 0,
    FV_PIXELS_SHUFFLED,     /* by one permutation, the same for all images */
    FV_PIXELS_SHUFFLED_EACH /* each image by one of its own */
} fv_pixel_order;

/* Zeros: the set as it is. What is drawn depends on (seed, the sample's index in the whole set) only: another epoch, another part of
 * the set draws the same. */
typedef struct fv_derive_options {
    int64_t
        per_class; /* of each class the first so many samples in the set's order, or all where there are fewer; 0: all */
    double
        fraction; /* of each class so large a part, rounded and at least one sample, drawn at random; a smaller part of the same seed lies
                        * within a larger one. 0 or 1: all. Not with per_class. Without classes: of all samples */
    double
        label_noise; /* 0 to 1: with this probability a label becomes one drawn from all classes, the true one among them */
    fv_pixel_order pixels; /* pixels change their places, all channels of one together. Of images in memory */
    uint64_t seed;
} fv_derive_options;

/* Samples keep their order and their names. Images in memory are copied where they become fewer or change; otherwise `dataset` is kept alive
 * for as long as *out is, and the caller may destroy both in any order. Errors: FV_ERR_ARGUMENT for an option out of range, or one that needs
 * classes where there are none, FV_ERR_UNSUPPORTED for pixels that are not in memory, FV_ERR_MEMORY. */
FV_API fv_status fv_dataset_derive(fv_dataset **out, fv_context *context, const fv_dataset *dataset,
                                   const fv_derive_options *options);

#ifdef __cplusplus
}
#endif

#endif
