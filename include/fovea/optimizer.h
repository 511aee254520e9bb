/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizer.h - updates values by gradients. Formulas and sources of every rule: docs/optimizers.md.
 */
#ifndef FOVEA_OPTIMIZER_H
#define FOVEA_OPTIMIZER_H

#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The update rule. The default form of each is PyTorch's, where PyTorch has it. */
typedef enum fv_optimizer_kind {
    FV_OPTIMIZER_SGD = 0,  /* with momentum; nesterov */
    FV_OPTIMIZER_ADAGRAD,  /* Duchi et al. 2011 */
    FV_OPTIMIZER_ADADELTA, /* Zeiler 2012 */
    FV_OPTIMIZER_RMSPROP,  /* Tieleman & Hinton 2012 */
    FV_OPTIMIZER_ADAM,     /* Kingma & Ba 2015 */
    FV_OPTIMIZER_ADAMW,    /* Loshchilov & Hutter 2019: Adam with decoupled weight decay */
    FV_OPTIMIZER_LARS,     /* You et al. 2017 */
    FV_OPTIMIZER_LAMB,     /* You et al. 2020 */
    FV_OPTIMIZER_MUON      /* Jordan et al. 2024 for weights, AdamW for all else */
} fv_optimizer_kind;

/* Which mean of the weights of all steps is kept beside them. */
typedef enum fv_average_kind {
    FV_AVERAGE_NONE = 0,
    FV_AVERAGE_EXPONENTIAL, /* a = decay * a + (1 - decay) * w (Polyak & Juditsky 1992, with a window) */
    FV_AVERAGE_EQUAL        /* stochastic weight averaging: Izmailov et al. 2018 */
} fv_average_kind;

/* Numbers of fv_optimizer_options of which 0 means the usual one, unless fv_optimizer_options.given has their bit. */
enum {
    FV_GIVEN_MOMENTUM = 1,
    FV_GIVEN_BETA1 = 2,
    FV_GIVEN_BETA2 = 4,
    FV_GIVEN_SMOOTHING = 8,
    FV_GIVEN_AVERAGE_DECAY = 16
};

/* Zeros: plain stochastic gradient descent. Options that a rule does not have must be 0. */
typedef struct fv_optimizer_options {
    fv_optimizer_kind kind;
    double momentum;          /* SGD, RMSProp, LARS: in [0, 1), as given. Muon: 0 means 0.95 */
    bool nesterov;            /* SGD, LARS: the gradient is looked at one step of the momentum ahead */
    bool lr_in_velocity;      /* SGD, RMSProp, LARS: v = momentum * v + rate * g; w = w - v, as in the papers. Otherwise
                               * v = momentum * v + g; w = w - rate * v, which differs when the rate changes */
    double beta1, beta2;      /* Adam, AdamW, LAMB, Muon's AdamW: 0 means 0.9 and 0.999 */
    double smoothing;         /* RMSProp, Adadelta: share of the old mean of squares; 0 means 0.99 and 0.9 */
    double epsilon;           /* 0 means PyTorch's: Adagrad 1e-10, Adadelta 1e-6, LAMB 1e-6, others 1e-8; there must be
                               * one, or a gradient of 0 would give 0 / 0 */
    bool epsilon_inside_root; /* g / sqrt(s + epsilon) instead of g / (sqrt(s) + epsilon); Adadelta always does */
    bool simplified;          /* Adam, AdamW, LAMB: without correction of the bias of the first steps */
    bool centered;            /* RMSProp: divides by the deviation instead of the root of the mean square */
    double trust;             /* LARS: 0 means 0.001 */
    bool match_adam; /* Muon: steps as large as AdamW's, so that its rate can be used: 0.2 * sqrt(max(rows, columns));
                               * otherwise sqrt(max(1, rows / columns)) */
    double weight_decay; /* at least 0; on weights, not on biases or normalisation */
    bool decoupled;      /* w = w * (1 - rate * weight_decay) instead of g + weight_decay * w; AdamW and Muon always */
    double l1;           /* at least 0: g + l1 * sign(w), on what weight decay is on */
    bool decay_all;      /* decay and l1 on biases and normalisation too */
    double clip_value;   /* each element of the gradient is brought into [-clip_value, clip_value]; 0: as it is */
    double clip_norm;    /* the whole gradient is scaled down to this Euclidean norm; 0: as it is. Not both */
    int32_t lookahead;   /* Zhang et al. 2019: every so many steps the weights go back to a slow copy that has moved
                               * a part of the way to them; 0: no such copy */
    double lookahead_part; /* 0 means 0.5 */
    fv_average_kind average;
    double average_decay;  /* exponential: 0 means 0.999 */
    int32_t average_start; /* steps before the mean begins */
    int32_t average_every; /* it takes in the weights of every so many steps; 0 means 1 */
    /* Entries "pattern(property, ...)", separated by spaces or commas, for parameters whose name ("conv1.weight") matches the pattern, in which
     * * is any text, ? any character and [a-d] one of these. Properties: rate=X (times the rate), decay=X (weight decay instead of
     * weight_decay), l1=X, frozen (never updated; of batch norm's statistics too), plain (LARS and LAMB: without trust; Muon: by AdamW).
     * Of entries that set the same property of one parameter the last counts. NULL: none. Read at creation only. */
    const char *groups;
    uint32_t
        given; /* FV_GIVEN_...: these are meant as they stand, 0 too: Adam without momentum is .given = FV_GIVEN_BETA1 */
} fv_optimizer_options;

/* An update rule and its slots for one fv_params. The bits do not depend on the number of threads. */
typedef struct fv_optimizer fv_optimizer;

/* Owned by the caller, released by fv_optimizer_destroy(). Borrows params. options may be NULL (zeros). FV_ERR_ARGUMENT names the
 * option at fault, or the pattern that matches no parameter. */
FV_API fv_status fv_optimizer_create(fv_optimizer **out, fv_params *params, const fv_optimizer_options *options);
FV_API void fv_optimizer_destroy(fv_optimizer *optimizer);
/* One step at learning rate `rate`. FV_ERR_NUMERIC, with params and slots untouched, when a gradient is NaN or infinite: the
 * context's message names the parameter. */
FV_API fv_status fv_optimizer_update(fv_optimizer *optimizer, const fv_params *gradients, double rate);
/* The same for the parameters of gradients[0 .. count) alone, each, or each row of it, at most once a step: what a session hands over
 * (fv_session_on_gradients()) is updated while it is still in cache. All parts of a step together give the bits of one
 * fv_optimizer_update(). A step is over when all parameters have come, or one comes again. FV_ERR_NUMERIC leaves these
 * parameters untouched; those of earlier calls are updated already. FV_ERR_STATE where fv_optimizer_needs_all(). */
FV_API fv_status fv_optimizer_update_some(fv_optimizer *optimizer, const fv_gradient *gradients, int32_t count,
                                          double rate);
/* Whether a step with these options needs all gradients at once (clip_norm, LARS, LAMB, Muon): then plans are made without
 * hand_over. options may be NULL. */
FV_API bool fv_optimizer_needs_all(const fv_optimizer_options *options);

/* All state is the slots, each in the layout of params, and the number of steps done: who writes back both goes on with the same
 * bits. Slots are borrowed and live as long as the optimizer. */
FV_API int32_t fv_optimizer_slot_count(const fv_optimizer *optimizer);
FV_API const char *fv_optimizer_slot_name(const fv_optimizer *optimizer, int32_t index); /* "velocity"; NULL: no such */
FV_API fv_params *fv_optimizer_slot(fv_optimizer *optimizer, int32_t index);             /* NULL: no such slot */
FV_API int64_t fv_optimizer_steps(const fv_optimizer *optimizer);
FV_API void fv_optimizer_set_steps(fv_optimizer *optimizer, int64_t steps);
/* The Euclidean norm of the gradient of the last step that is over, before clipping; without frozen parameters and statistics. 0
 * before the first. */
FV_API double fv_optimizer_gradient_norm(const fv_optimizer *optimizer);

/* The mean of the weights and statistics (fv_optimizer_options.average), which is one of the slots; NULL: none is kept. Until
 * average_start it is the weights. Statistics of batch norm should be taken again for it: fv_population_statistics(). */
FV_API fv_params *fv_optimizer_average(fv_optimizer *optimizer);

/* The rules by name: "sgd", "adam", ...; NULL when out of range. */
FV_API const char *fv_optimizer_kind_name(fv_optimizer_kind kind);
/* A usual learning rate to begin with; 0 when out of range. */
FV_API double fv_optimizer_kind_rate(fv_optimizer_kind kind);

#ifdef __cplusplus
}
#endif

#endif
