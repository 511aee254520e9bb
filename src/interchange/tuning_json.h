/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning_json.h - the choices of a tuning as text, for checkpoints.
 */
#ifndef FVI_TUNING_JSON_H
#define FVI_TUNING_JSON_H

#include "fovea/tuning.h"

/* The text that fv_tuning_write() writes, released by free(). */
fv_status fvi_tuning_text(const fv_tuning *tuning, char **text);

#endif
