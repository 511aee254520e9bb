/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_explain.c - fovea explain: how a network will be run. The steps, the algorithm of each, why others were refused, memory.
 */
#include <string.h>

#include "command.h"
#include "precision.h"
#include "tuning.h"

typedef struct values {
    const char *choices;
    int64_t tune, batch, mode, threads, precision;
    int64_t memory;
    bool reference, no_fusion, keep, json;
} values;

static const char *const modes[] = { "train", "evaluate", "predict", NULL };

static const cli_option options[] = {
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 65536, "64", NULL, CLI_COMPLETE_NONE,
      "images of a step" },
    { "mode", NULL, CLI_CHOICE, "MODE", offsetof(values, mode), 0, 0, "train", modes, CLI_COMPLETE_NONE,
      "what the plan is for; of a network in 8 bits predict unless given" },
    { "reference", NULL, CLI_FLAG, NULL, offsetof(values, reference), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "plan with the reference kernels" },
    { "no-fusion", NULL, CLI_FLAG, NULL, offsetof(values, no_fusion), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "plan a step for each layer" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to plan for" },
    { "keep-activations", NULL, CLI_FLAG, NULL, offsetof(values, keep), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "keep all that backward reads instead of computing cheap parts again: a little faster, with more memory" },
    { "memory-limit", NULL, CLI_BYTES, "LIMIT", offsetof(values, memory), 1e6, 9e15, "0", NULL, CLI_COMPLETE_NONE,
      "most that the session of a training step may take, computing values again instead of keeping them; 0: no "
      "limit" },
    CLI_PRECISION_OPTION(values, NULL),
    CLI_TUNING_OPTIONS(values, NULL, NULL),
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static int print_object(const cli_call *call, const fv_plan *plan)
{
    const values *given = call->values;
    const fv_plan_memory memory = fv_plan_memory_bytes(plan);
    json_t *steps = json_array();
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        json_array_append_new(
            steps, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:i,s:i}", "layer",
                             text_or(step.layer, ""), "type", text_or(step.type, ""), "fused", text_or(step.fused, ""),
                             "pass", text_or(step.pass, ""), "algorithm", text_or(step.algorithm, ""), "refused",
                             text_or(step.refused, ""), "timed", text_or(step.timed, ""), "widened", (int)step.widened,
                             "multiply_adds", (json_int_t)step.multiply_adds, "bytes_moved",
                             (json_int_t)step.bytes_moved, "bytes_saved", (json_int_t)step.bytes_saved, "bytes_again",
                             (json_int_t)step.bytes_again, "updates", (int)step.updates, "rows", (int)step.rows));
    }
    json_t *bytes = json_pack("{s:I,s:I,s:I,s:I,s:I}", "arena", (json_int_t)memory.arena, "packed",
                              (json_int_t)memory.packed, "scratch", (json_int_t)memory.scratch, "gradients",
                              (json_int_t)memory.gradients, "total", (json_int_t)memory.total);
    return cli_print_json(call->command,
                          json_pack("{s:s,s:s,s:I,s:i,s:o,s:o}", "name", fv_graph_name(fv_plan_graph(plan)), "mode",
                                    modes[given->mode], "batch", (json_int_t)given->batch, "reorders",
                                    (int)fv_plan_reorder_count(plan), "memory_bytes", bytes, "steps", steps));
}

/* "name: what" lines, indented under their step. */
static void print_lines(const char *before, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        const size_t length = strcspn(lines, "\n");
        printf("%26s%s%.*s\n", "", before, (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

/* Steps that compute again, one behind the other: what a segment takes the place of. */
static void print_segments(const fv_plan *plan)
{
    char bytes[32];
    printf("computed again, and the bytes that are not kept for it:\n");
    for (int32_t i = 0, end; i < fv_plan_step_count(plan); i = end + 1) {
        size_t sum = 0;
        fv_step_info last = { 0 };
        for (end = i; end < fv_plan_step_count(plan) && fv_plan_step(plan, end).bytes_again > 0; end++) {
            last = fv_plan_step(plan, end);
            sum += last.bytes_again;
        }
        if (end == i)
            continue;
        const fv_step_info before = fv_plan_step(plan, end);
        printf("  %s%s%s, before %s of %s: %s\n", fv_plan_step(plan, i).layer, end - i > 1 ? " to " : "",
               end - i > 1 ? last.layer : "", text_or(before.pass, ""), text_or(before.layer, ""),
               cli_bytes(sum, bytes, sizeof bytes));
    }
}

static void print_notes(const fv_step_info *step)
{
    if (text_or(step->fused, "")[0] != '\0')
        printf("%26swith %s\n", "", step->fused);
    if (step->rows > 0)
        printf("%26sthe weights are updated %d rows at a time\n", "", (int)step->rows);
    if (step->updates > 0)
        printf("%26sthen %d parameter%s updated\n", "", (int)step->updates, step->updates == 1 ? " is" : "s are");
    if (step->widened > 0)
        printf("%26son float32 copies of %d image%s\n", "", (int)step->widened, step->widened == 1 ? "" : "s");
    if (text_or(step->timed, "")[0] != '\0')
        print_lines("timed ", step->timed);
    else
        print_lines("not ", step->refused);
}

static int print_table(const cli_call *call, const fv_plan *plan)
{
    char a[32], b[32], c[32], d[32], e[32];
    const values *given = call->values;
    const fv_plan_memory memory = fv_plan_memory_bytes(plan);
    size_t moved = 0, kept_not = 0;
    int64_t operations = 0, again = 0;
    int32_t repeated = 0;
    printf("%-20s %-17s %-20s %16s %12s %12s\n", "layer", "pass", "algorithm", "multiply-adds", "moved", "saved");
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        printf("%-20s %-17s %-20s %16s %12s", text_or(step.layer, ""), text_or(step.pass, ""),
               text_or(step.algorithm, ""), cli_grouped(step.multiply_adds, a, sizeof a),
               cli_bytes(step.bytes_moved, c, sizeof c));
        if (step.bytes_saved > 0)
            printf(" %12s", cli_bytes(step.bytes_saved, b, sizeof b));
        putchar('\n');
        moved += step.bytes_moved;
        operations += step.multiply_adds;
        if (strcmp(text_or(step.pass, ""), "repeat") == 0) {
            again += step.multiply_adds;
            kept_not += step.bytes_again;
            repeated++;
        }
        print_notes(&step);
    }
    printf("\n%s, %s, batch %lld: %d reorder%s; memory %s: activations %s, with up to %s for one step; "
           "packed weights %s%s%s\n",
           fv_graph_name(fv_plan_graph(plan)), modes[given->mode], (long long)given->batch,
           (int)fv_plan_reorder_count(plan), fv_plan_reorder_count(plan) == 1 ? "" : "s",
           cli_bytes(memory.total, a, sizeof a), cli_bytes(memory.arena, b, sizeof b),
           cli_bytes(memory.scratch, c, sizeof c), cli_bytes(memory.packed, d, sizeof d),
           memory.gradients > 0 ? ", weight gradients " : "",
           memory.gradients > 0      ? cli_bytes(memory.gradients, e, sizeof e)
           : given->mode == FV_TRAIN ? "; weight gradients are among the activations, each until its update"
                                     : "");
    printf("the steps move %s\n", cli_bytes(moved, a, sizeof a));
    if (repeated > 0)
        printf("%d step%s values again that backward reads, instead of keeping %s: %.1f%% of the multiply-adds\n",
               (int)repeated, repeated == 1 ? " computes" : "s compute", cli_bytes(kept_not, a, sizeof a),
               operations > 0 ? 100.0 * (double)again / (double)operations : 0.0);
    if (repeated > 0 && given->memory > 0)
        print_segments(plan); /* of every plan they would be many lines */
    return cli_finish_output(call->command);
}

static int explain_run(cli_call *call)
{
    values *given = call->values;
    fv_plan_options plan_options = { .batch = (int32_t)given->batch,
                                     .reference = given->reference,
                                     .no_fusion = given->no_fusion,
                                     .no_repeat = given->keep,
                                     .memory_limit = (size_t)given->memory };
    fv_context *context = NULL;
    cli_network network = { 0 };
    fv_plan *plan = NULL;
    cli_tuning tuning = { 0 };
    int status = cli_open_context_in(call->command, &context, given->threads, given->precision);
    if (status == CLI_DONE)
        status = cli_open_network(call->command, context, call->operands[0], &network);
    if (status == CLI_DONE)
        status = cli_tuning_open(&tuning, call->command, context, given->tune, given->choices, given->json);
    if (status == CLI_DONE) {
        plan_options.dtype = cli_precision_dtype(given->precision, network.graph);
        if (plan_options.dtype == FV_I8 && !cli_was_given(call, "mode")) /* it does not learn */
            given->mode = FV_PREDICT;
        plan_options.mode = (fv_mode)given->mode;
        plan_options.hand_over = given->mode == FV_TRAIN;
    }
    if (status == CLI_DONE && fv_plan_create(&plan, network.graph, &plan_options) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    cli_tuning_keep(&tuning);
    if (status == CLI_DONE)
        status = given->json ? print_object(call, plan) : print_table(call, plan);
    fv_plan_destroy(plan);
    cli_close_network(&network);
    cli_tuning_close(&tuning);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_explain = {
    .name = "explain",
    .operands = "NAME|FILE|MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Show how a network will be run: steps, algorithms, memory",
    .description = "moved: bytes of the tensors and parameters that a step reads and writes; saved: what it keeps for "
                   "backward.\n"
                   "Under each step: the layers that it computes as well, the parameters that are updated behind it, "
                   "the algorithms that were asked first, and why they refused; with --tune the times of all, the "
                   "fastest first.\n"
                   "Training is shown as train runs it without --blocks: a weight's gradient lives until its update.",
    .examples = (const char *const[]){ "fovea explain lenet5 --batch 64", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = explain_run,
};
