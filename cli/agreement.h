/* SPDX-License-Identifier: Apache-2.0
 *
 * agreement.h - does exported C source answer as the library does?
 */
#ifndef CLI_AGREEMENT_H
#define CLI_AGREEMENT_H

#include "export.h"

/* Compiles the source that was written with the machine's C compiler ($CC, else cc), runs it on the images of test, and prints how often its
 * answer is the library's, and how often each is right. Without a compiler it says so, and that is no failure. An exit status. */
int cli_print_agreement(const cli_export *export, const fv_c_source_report *report, const fv_dataset *test);

#endif
