/* SPDX-License-Identifier: Apache-2.0
 *
 * pretrained.c - see pretrained.h.
 */
#include "pretrained.h"

#include <string.h>

enum { MOST_NAMES = 6, SHAPE_BYTES = 96, NUMBER_BYTES = 32 };

static const char *shape_text(const fv_shape *shape, char text[SHAPE_BYTES])
{
    int used = snprintf(text, SHAPE_BYTES, "[");
    for (int32_t i = 0; i < shape->rank && used < SHAPE_BYTES - 24; i++)
        used +=
            snprintf(text + used, (size_t)(SHAPE_BYTES - used), "%s%lld", i > 0 ? "," : "", (long long)shape->size[i]);
    snprintf(text + used, (size_t)(SHAPE_BYTES - used), "]");
    return text;
}

/* One line for all items of an outcome. */
static void print_items(const fv_weights_report *report, fv_weights_outcome outcome, const char *what)
{
    char shape[SHAPE_BYTES], stored[SHAPE_BYTES];
    int shown = 0;
    if (report->counts[outcome] == 0)
        return;
    printf("  %s: ", what);
    for (int32_t i = 0; i < report->count && shown < MOST_NAMES; i++) {
        const fv_weights_item *item = &report->items[i];
        if (item->outcome != outcome)
            continue;
        printf("%s%s %s", shown > 0 ? ", " : "", item->parameter != NULL ? item->parameter : item->tensor,
               shape_text(item->parameter != NULL ? &item->shape : &item->stored, shape));
        if (item->parameter != NULL && item->tensor != NULL &&
            strcmp(shape_text(&item->stored, stored), shape_text(&item->shape, shape)) != 0)
            printf(" (the file has %s)", stored);
        shown++;
    }
    if (shown < report->counts[outcome])
        printf(" and %d more", (int)report->counts[outcome] - shown);
    printf("\n");
}

static const char *names_text(const fv_weights_report *report)
{
    if (report->by_order)
        return "layers in their order";
    return report->renamed ? "names translated" : "names as here";
}

static void print_report(const fv_weights *weights, const char *path)
{
    char values[NUMBER_BYTES];
    const fv_weights_report report = fv_weights_report_of(weights);
    int32_t parameters = 0;
    for (int32_t i = 0; i < report.count; i++)
        parameters += report.items[i].parameter != NULL;
    printf("weights of %s (%s%s): loaded %d of %d parameters, %s values\n", path, names_text(&report),
           report.layout == FV_LAYOUT_KERAS ? ", Keras's axes" : "", (int)report.counts[FV_WEIGHT_LOADED],
           (int)parameters, cli_grouped(report.values, values, sizeof values));
    if (report.converted > 0)
        printf("  converted to float32: %d tensors\n", (int)report.converted);
    print_items(&report, FV_WEIGHT_HEAD, "begin anew");
    print_items(&report, FV_WEIGHT_MISSING, "begin anew, the file has none");
    print_items(&report, FV_WEIGHT_MISSHAPED, "begin anew, of other shapes");
    print_items(&report, FV_WEIGHT_UNEXPECTED, "skipped, of no parameter");
    if (report.counts[FV_WEIGHT_IGNORED] > 0)
        printf("  skipped, of no use here: %d tensors, as %s\n", (int)report.counts[FV_WEIGHT_IGNORED],
               report.items[report.count - 1].tensor);
}

static void print_frozen(const fv_params *params)
{
    char frozen[NUMBER_BYTES], trained[NUMBER_BYTES];
    int64_t still = 0, learning = 0;
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        still += info.frozen ? info.elements : 0;
        learning += info.trained ? info.elements : 0;
    }
    if (still > 0)
        printf("frozen: %s parameters; %s learn\n", cli_grouped(still, frozen, sizeof frozen),
               cli_grouped(learning, trained, sizeof trained));
}

void cli_print_pretrained(const fv_experiment *experiment)
{
    const fv_weights *weights = fv_experiment_pretrained(experiment);
    if (weights != NULL)
        print_report(weights, fv_weights_path(weights));
    print_frozen(fv_experiment_params(experiment));
}
