/* SPDX-License-Identifier: Apache-2.0
 *
 * config_fuzz.c - experiment files; what was read, written as YAML, must read back to the same values.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static bool is_path(const fv_config_key *key)
{
    return key->type >= FV_CONFIG_FILE; /* made absolute when it is written */
}

static void check_round_trip(fv_context *context, const fv_config *config)
{
    fv_config *back = NULL;
    char *yaml = NULL;
    fuzz_check(context, fv_config_to_yaml(config, &yaml), yaml);
    if (fv_config_create(&back, context) != FV_OK ||
        fv_config_read_yaml(back, fuzz_file((const uint8_t *)yaml, strlen(yaml))) != FV_OK)
        abort();
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        const char *one = fv_config_text(config, key->key), *other = fv_config_text(back, key->key);
        if (!is_path(key) && key->type != FV_CONFIG_TRANSFORMS &&
            (one == NULL ? other != NULL : other == NULL || strcmp(one, other) != 0))
            abort();
    }
    fv_text_release(context, yaml);
    fv_config_destroy(back);
}

/* A text of 255 bytes, quoted and made absolute, is longer than a file may hold. */
static bool is_modest(const fv_config *config)
{
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const char *text = fv_config_text(config, fv_config_key_at(i)->key);
        if (text != NULL && strlen(text) > 100)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_config *config = NULL;
    if (fv_config_create(&config, context) != FV_OK)
        abort();
    const fv_status status = fv_config_read_yaml(config, fuzz_file(bytes, size));
    fuzz_check(context, status, status == FV_OK ? config : NULL);
    if (status == FV_OK && is_modest(config))
        check_round_trip(context, config);
    fv_config_destroy(config);
    fv_context_destroy(context);
    return 0;
}
