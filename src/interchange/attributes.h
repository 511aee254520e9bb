/* SPDX-License-Identifier: Apache-2.0
 *
 * attributes.h - options structs of layers from and to texts, by the layers' attribute tables.
 */
#ifndef FVI_ATTRIBUTES_H
#define FVI_ATTRIBUTES_H

#include <jansson.h>

#include "interchange/tree.h"
#include "layer/layer.h"

/* Fills options (zeroed, layer->options_size bytes) from the keys of map; NULL or a NULL item means none. Keys in `others`
 * (NULL-terminated) are left to the caller, any other is an error, as is a value of the wrong type or out of range, and a required
 * attribute that is not there. `at` is blamed for what is missing. */
fv_status fvi_attributes_read(const fvi_tree *tree, const fvi_layer *layer, const fvi_item *at, const fvi_item *map,
                              const char *const *others, void *options);
/* Adds every attribute that is not at its default (zero) to object, in the table's order. */
fv_status fvi_attributes_write(fv_context *context, const fvi_layer *layer, const void *options, json_t *object);

#endif
