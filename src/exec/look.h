/* SPDX-License-Identifier: Apache-2.0
 *
 * look.h - a forward pass that is looked at step by step.
 */
#ifndef FVI_EXEC_LOOK_H
#define FVI_EXEC_LOOK_H

#include "fovea/session.h"

/* Called behind each step of a forward pass: the value that it wrote can be read (fv_session_read()). True: parameters of the step's layer have
 * been changed, so it is run again, and looked at again. */
typedef bool fvi_look_fn(void *user, fv_value value);
/* fv_session_forward(), looked at. Of a plan with no_fusion: then each node has a step of its own. */
fv_status fvi_session_forward_looked_at(fv_session *session, const fv_batch *batch, fvi_look_fn *look, void *user);

#endif
