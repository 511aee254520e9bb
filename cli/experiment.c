/* SPDX-License-Identifier: Apache-2.0
 *
 * experiment.c - see experiment.h.
 */
#include "experiment.h"

#include <string.h>

int cli_read_experiment(const cli_call *call, const char *operand)
{
    const char *dot = strrchr(operand, '.');
    bool is_experiment = false;
    fv_status status = FV_OK;
    if (fv_zoo_find(operand) == NULL && dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        status = fv_config_is_experiment(call->config_context, operand, &is_experiment);
    if (status == FV_OK && is_experiment)
        status = fv_config_read_yaml(call->config, operand);
    else if (status == FV_OK || status == FV_ERR_NOT_FOUND) /* what is wrong with a network is told by its reader */
        status = fv_config_put(call->config, "model.network", operand, FV_FROM_OPTION);
    if (status == FV_OK)
        return CLI_DONE;
    const bool no_yaml = status == FV_ERR_UNSUPPORTED && strstr(fv_libraries(), "libyaml") == NULL;
    if (status == FV_ERR_IO || status == FV_ERR_MEMORY || no_yaml)
        return cli_fail(call->command, "%s", fv_context_message(call->config_context));
    return cli_usage_error(call->command, "%s", fv_context_message(call->config_context));
}

int cli_open_experiment(const cli_call *call, fv_context **context, fv_experiment **experiment, bool resumed)
{
    const fv_context_options wanted = fv_experiment_context_options(call->config);
    const int status = cli_open_context_with(call->command, context, &wanted);
    if (status != CLI_DONE)
        return status;
    const fv_status opened = fv_experiment_open(experiment, *context, call->config);
    const char *network = fv_config_text(call->config, "model.network");
    if (opened == FV_ERR_NOT_FOUND && resumed)
        return cli_usage_error(call->command, "%s\nwhere it is now may be told: --set model.network=FILE",
                               fv_context_message(*context));
    if (opened != FV_OK)
        return cli_network_failure(call->command, *context, network != NULL ? network : "", opened);
    return CLI_DONE;
}
