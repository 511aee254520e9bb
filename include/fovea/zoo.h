/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.h - the named networks. docs/zoo.md lists them with their sources.
 */
#ifndef FOVEA_ZOO_H
#define FOVEA_ZOO_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An error that somebody published for a network, in percent. Not measured here. */
typedef struct fv_published_error {
    double top1, top5;  /* 0: not given */
    int32_t crops;      /* of each image, whose answers were averaged; 0: the network was run over the whole image */
    int32_t models;     /* 1: a single model; more: an ensemble of so many */
    const char *source; /* where: paper and table, with the data set */
} fv_published_error;

enum { FV_ZOO_MAX_PUBLISHED = 3 };

typedef struct fv_zoo_entry {
    const char *name, *title, *paper;
    int32_t year;
    fv_image_shape input;
    int32_t classes;
    fv_image_shape data; /* the images it is made for, before cropping: convnetjs-mnist takes 24x24 of 28x28 */
    const char *flags;   /* names of the variants that fv_zoo_options.flags takes, separated by commas; NULL: none */
    const char *default_flags;                          /* those that are on unless told otherwise; NULL: none */
    fv_published_error published[FV_ZOO_MAX_PUBLISHED]; /* ends with a source of NULL where there are fewer */
} fv_zoo_entry;

/* How a network is to differ from its entry. Zeros mean: not at all. */
typedef struct fv_zoo_options {
    int32_t classes;      /* 0 means the entry's */
    fv_image_shape input; /* channels, rows, columns; each 0 means the entry's */
    bool no_auxiliary;    /* leave out the classifiers that only train */
    const char *flags;    /* variants that are on, separated by commas; "none"; NULL means the entry's default_flags */
} fv_zoo_options;

/* The networks by index, and by name. Static. */
FV_API int32_t fv_zoo_count(void);
FV_API const fv_zoo_entry *fv_zoo_get(int32_t index);     /* NULL when out of range */
FV_API const fv_zoo_entry *fv_zoo_find(const char *name); /* NULL: none */
/* Builds and finishes the network. FV_ERR_NOT_FOUND names the nearest one. Owned by the caller. Auxiliary classifiers are
 * there, and run while training only. */
FV_API fv_status fv_zoo_build(fv_graph **out, fv_context *context, const char *name);
/* The same with options (NULL: none). FV_ERR_ARGUMENT for a flag that the network does not have, FV_ERR_SHAPE for an input
 * that is too small for its layers: the message names the layer. */
FV_API fv_status fv_zoo_build_with(fv_graph **out, fv_context *context, const char *name,
                                   const fv_zoo_options *options);

#ifdef __cplusplus
}
#endif

#endif
