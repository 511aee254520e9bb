/* SPDX-License-Identifier: Apache-2.0
 *
 * adam.h - what the rules that keep Adam's two means share.
 */
#ifndef FVI_ADAM_H
#define FVI_ADAM_H

#include "optim/rules.h"

/* "mean" and "mean_square". */
int32_t fvi_adam_slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS]);
/* Corrections of the bias of step `step`, unless simplified. */
void fvi_adam_correct(const fv_optimizer_options *options, int64_t step, fvi_update_numbers *numbers);

#endif
