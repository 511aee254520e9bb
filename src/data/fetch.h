/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch.h - one sample from the data set to the network's floats: read, resize, augment, normalise.
 */
#ifndef FVI_FETCH_H
#define FVI_FETCH_H

#include "data/augment/transform.h"
#include "data/image/picture.h"
#include "data/image/resample.h"
#include "data/preprocess.h"

/* How a loader makes samples: read only, shared by its threads. */
typedef struct fvi_recipe {
    const fv_dataset *dataset;
    fv_loader_options options;
    const fv_augmentation *list; /* what images pass: a run's or the network's own; NULL: none */
    int32_t resize;              /* 0: images keep their size */
    fvi_pixel_table table;
    const int32_t *
        drawn; /* samples that are drawn with replacement have numbers that are places in this order of the running epoch; NULL:
                           * a sample's number is its index */
    size_t elements; /* floats of a sample */
    bool direct;     /* images in memory that only have to be placed: no fetcher is needed */
} fvi_recipe;

void fvi_recipe_fill(fvi_recipe *recipe, const fv_dataset *dataset, const fv_loader_options *options);
/* Which sample of the data set has this number. */
int64_t fvi_recipe_index(const fvi_recipe *recipe, int64_t number);
/* Sample `number` of epoch `epoch` where recipe->direct. Cannot fail. */
void fvi_fetch_direct(const fvi_recipe *recipe, int64_t epoch, int64_t number, float *out);

/* What one thread fetches with; its memory grows and stays. */
typedef struct fvi_fetcher {
    fv_context *context; /* of its own: messages and memory of one thread */
    fv_reader *reader;
    fvi_resampler resampler;
    fvi_augment_room room;
} fvi_fetcher;

/* On failure (FV_ERR_MEMORY, message in context) there is nothing to close. */
fv_status fvi_fetcher_open(fvi_fetcher *fetcher, fv_context *context, const fv_dataset *dataset);
void fvi_fetcher_close(fvi_fetcher *fetcher);
/* out [h][w][c] of the input, overwritten. What is drawn depends on (seed, epoch, number) only. On failure
 * fvi_fetcher_message() names the file. */
fv_status fvi_fetch(fvi_fetcher *fetcher, const fvi_recipe *recipe, int64_t epoch, int64_t number, float *out);
const char *fvi_fetcher_message(const fvi_fetcher *fetcher);

#endif
