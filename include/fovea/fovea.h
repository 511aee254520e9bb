/* SPDX-License-Identifier: Apache-2.0
 *
 * fovea.h - everything. Headers in the order of the data path.
 */
#ifndef FOVEA_H
#define FOVEA_H

#include "fovea/context.h"
#include "fovea/tensor.h"
#include "fovea/graph.h"
#include "fovea/zoo.h"
#include "fovea/params.h"
#include "fovea/plan.h"
#include "fovea/batch.h"
#include "fovea/session.h"
#include "fovea/dataset.h"
#include "fovea/image.h"
#include "fovea/loader.h"
#include "fovea/gradcheck.h"
#include "fovea/optimizer.h"
#include "fovea/model.h"
#include "fovea/trainer.h"
#include "fovea/predictor.h"
#include "fovea/text.h"

#endif
