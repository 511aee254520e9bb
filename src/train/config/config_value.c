/* SPDX-License-Identifier: Apache-2.0
 *
 * config_value.c - one value of a config: from text by the type of its key, or the reason why it is none.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "fovea/text.h"
#include "train/config/config_internal.h"

static bool in_range(const fv_config_key *key, double value)
{
    return value >= key->low && value <= key->high;
}

static bool read_integer(const fv_config_key *key, const char *text, fvi_config_value *value, char *why)
{
    if (fvi_read_integer(text, &value->integer) && in_range(key, (double)value->integer)) {
        value->real = (double)value->integer;
        return true;
    }
    snprintf(why, FVI_CONFIG_WHY, "'%.100s' is not a whole number from %.0f to %.0f", text, key->low, key->high);
    return false;
}

static bool read_real(const fv_config_key *key, const char *text, fvi_config_value *value, char *why)
{
    char low[FVI_REAL_TEXT], high[FVI_REAL_TEXT];
    if (fvi_read_real(text, &value->real) && in_range(key, value->real))
        return true;
    snprintf(why, FVI_CONFIG_WHY, "'%.100s' is not a number from %s to %s", text, fvi_write_real(key->low, low),
             fvi_write_real(key->high, high));
    return false;
}

static bool read_flag(const char *text, fvi_config_value *value, char *why)
{
    value->flag = strcmp(text, "true") == 0;
    if (value->flag || strcmp(text, "false") == 0)
        return true;
    snprintf(why, FVI_CONFIG_WHY, "'%.100s' is neither true nor false", text);
    return false;
}

static bool read_choice(const fv_config_key *key, const char *text, fvi_config_value *value, char *why)
{
    int32_t count = 0;
    for (; key->words[count] != NULL; count++) {
        if (strcmp(key->words[count], text) == 0) {
            value->integer = count;
            return true;
        }
    }
    size_t used = (size_t)snprintf(why, FVI_CONFIG_WHY, "'%.100s' is not one of", text);
    for (int32_t i = 0; i < count && used < FVI_CONFIG_WHY; i++)
        used += (size_t)snprintf(why + used, FVI_CONFIG_WHY - used, "%s %s", i > 0 ? "," : "", key->words[i]);
    const char *nearest = fv_nearest_word(text, key->words, count);
    if (nearest != NULL && used < FVI_CONFIG_WHY)
        snprintf(why + used, FVI_CONFIG_WHY - used, "; did you mean '%s'?", nearest);
    return false;
}

/* 0 is none where that is the default. */
static bool read_bytes(const fv_config_key *key, const char *text, fvi_config_value *value, char *why)
{
    const bool none = key->fallback != NULL && strcmp(key->fallback, "0") == 0;
    if (fv_bytes_read(text, &value->integer)) {
        value->real = (double)value->integer;
        if (in_range(key, value->real) || (none && value->integer == 0))
            return true;
    }
    snprintf(why, FVI_CONFIG_WHY, "'%.100s' is not %san amount of memory from %.0f bytes on, as 512M, 2G or 1.5GiB",
             text, none ? "0 or " : "", key->low);
    return false;
}

static bool read_shape(const char *text, fvi_config_value *value, char *why)
{
    int32_t *const sizes[] = { &value->shape.c, &value->shape.h, &value->shape.w };
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        char number[8];
        int64_t size = 0;
        const size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits >= sizeof number || at[digits] != (i < 2 ? 'x' : '\0'))
            break;
        memcpy(number, at, digits);
        number[digits] = '\0';
        if (!fvi_read_integer(number, &size) || size < 1 || size > 65536)
            break;
        *sizes[i] = (int32_t)size;
        at += digits + 1;
        if (i == 2)
            return true;
    }
    snprintf(why, FVI_CONFIG_WHY, "'%.100s' is not CHANNELSxROWSxCOLUMNS, as 3x32x32", text);
    return false;
}

bool fvi_config_read_value(const fv_config_key *key, const char *text, fvi_config_value *value,
                           char why[FVI_CONFIG_WHY])
{
    switch (key->type) {
    case FV_CONFIG_FLAG:
        return read_flag(text, value, why);
    case FV_CONFIG_INTEGER:
        return read_integer(key, text, value, why);
    case FV_CONFIG_REAL:
        return read_real(key, text, value, why);
    case FV_CONFIG_CHOICE:
        return read_choice(key, text, value, why);
    case FV_CONFIG_BYTES:
        return read_bytes(key, text, value, why);
    case FV_CONFIG_SHAPE:
        return read_shape(text, value, why);
    case FV_CONFIG_TEXT:
    case FV_CONFIG_TRANSFORMS:
    case FV_CONFIG_WEIGHTS:
    case FV_CONFIG_FILE:
    case FV_CONFIG_FOLDER:
    case FV_CONFIG_NETWORK:
    case FV_CONFIG_DATA:
        break;
    }
    if (text[0] != '\0')
        return true;
    snprintf(why, FVI_CONFIG_WHY, "the value is empty");
    return false;
}
