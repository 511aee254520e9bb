/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - what a build leaves out. The inference-only build (CMake: FOVEA_MINIMAL) defines FVI_INFERENCE_ONLY: plans predict in
 * float32, and nothing else. A table names what only other builds have through these macros; nothing else refers to it then, and
 * the linker drops it. fv_plan_create() is the one place that refuses what is not there.
 */
#ifndef FVI_PARTS_H
#define FVI_PARTS_H

#ifdef FVI_INFERENCE_ONLY
#define FVI_INFERS_ONLY true
#define FVI_TRAINS(function) NULL /* serves backward passes and losses */
#define FVI_DOUBLE(pointer) NULL  /* serves float64 */
#else
#define FVI_INFERS_ONLY false
#define FVI_TRAINS(function) function
#define FVI_DOUBLE(pointer) pointer
#endif

#endif
