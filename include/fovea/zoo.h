/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.h - the named networks.
 */
#ifndef FOVEA_ZOO_H
#define FOVEA_ZOO_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_zoo_entry {
    const char *name, *title, *paper;
    int32_t year;
    fv_image_shape input;
    int32_t classes;
    fv_image_shape data; /* the images it is made for, before cropping: convnetjs-mnist takes 24x24 of 28x28 */
} fv_zoo_entry;

/* The networks by index, and by name. Static. */
FV_API int32_t fv_zoo_count(void);
FV_API const fv_zoo_entry *fv_zoo_get(int32_t index);     /* NULL when out of range */
FV_API const fv_zoo_entry *fv_zoo_find(const char *name); /* NULL: none */
/* Builds and finishes the network. FV_ERR_NOT_FOUND names the nearest one. Owned by the caller. */
FV_API fv_status fv_zoo_build(fv_graph **out, fv_context *context, const char *name);

#ifdef __cplusplus
}
#endif

#endif
