/* SPDX-License-Identifier: Apache-2.0
 *
 * session_layout.h - the one allocation of a session, laid out while planning: so a plan can tell its bytes before
 * anything runs, and a session cannot allocate later.
 */
#ifndef FVI_SESSION_LAYOUT_H
#define FVI_SESSION_LAYOUT_H

#include "fovea/session.h"
#include "plan/plan_internal.h"

struct fv_session {
    fv_context *context;
    const fv_plan *plan;
    fv_params *params, *gradients; /* gradients: NULL unless the plan trains and hands none over */
    fv_gradient *handed;           /* [plan->handed_count] in the plan's order */
    fvi_message message;
    char *arena, *packed;
    fvi_call *call;   /* [steps]: everything but n and what a batch brings is filled in at creation */
    fvi_view **views; /* [steps]: of each, the inputs' views and their gradients', one after the other; of a staged step
                       * also room for those in scratch */
    double *seconds;  /* [steps] */
    int64_t *calls;   /* [steps] */
    bool profiling, is_packed;
    int32_t n;        /* of the last forward */
    int32_t executed; /* steps [0, executed) ran since the last forward began */
    bool forwarded;   /* the last forward succeeded and no backward followed */
    fv_batch batch;   /* of the last forward: targets are read by backward */
    double weight;    /* sum of sample weights of the last forward */
    fv_gradient_ready_fn *ready;
    void *ready_user;
    fv_gradients_fn *take;
    void *take_user;
};

/* Offsets in bytes from the session struct; each a multiple of 64. */
typedef struct fvi_session_layout {
    size_t call, step_views, seconds, calls, views, values,
        handed; /* tables; values: pointers to parameters and their gradients */
    size_t gradients, packed, arena;
    size_t total;
} fvi_session_layout;

/* FV_ERR_MEMORY when the sum overflows. */
fv_status fvi_session_lay_out(const fv_plan *plan, fvi_session_layout *layout);

#endif
