/* SPDX-License-Identifier: Apache-2.0
 *
 * config_write.c - a config as config.yaml: every value, behind it where it came from. It reads back as an experiment file.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text_buffer.h"
#include "train/config/config_internal.h"

enum { PATH_BYTES = 4096 };

/* A YAML double-quoted scalar is JSON's string. What is not UTF-8 cannot be written: it is left to be given again. */
static void append_quoted(fvi_text_buffer *out, const char *text)
{
    json_t *string = json_string(text);
    char *dump = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    fvi_text_append(out, dump != NULL ? dump : "null");
    free(dump);
    json_decref(string);
}

/* Absolute, so that the file means the same from any folder. Where nothing is there yet, below the present folder. */
static const char *absolute(const char *text, char path[PATH_BYTES])
{
    char real[PATH_BYTES];
    if (text[0] == '/')
        return text;
    char *found = realpath(text, NULL);
    int length = -1;
    if (found != NULL)
        length = snprintf(path, PATH_BYTES, "%s", found);
    else if (getcwd(real, sizeof real) != NULL)
        length = snprintf(path, PATH_BYTES, "%s/%s", real, text);
    free(found);
    return length > 0 && length < PATH_BYTES ? path : text;
}

/* "a(b=1, c) d" as a list: ["a(b=1, c)", "d"]. Long lists stay below the longest text that a file may hold. */
static void append_transforms(fvi_text_buffer *out, const char *text)
{
    char part[1024];
    size_t used = 0, count = 0;
    int depth = 0;
    for (const char *at = text;; at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        const bool ends = *at == '\0' || (*at == ' ' && depth <= 0);
        if (!ends && used + 1 < sizeof part)
            part[used++] = *at;
        if (ends && used > 0) {
            part[used] = '\0';
            fvi_text_append(out, count++ == 0 ? "[" : ", ");
            append_quoted(out, part);
            used = 0;
        }
        if (*at == '\0')
            break;
    }
    fvi_text_append(out, count > 0 ? "]" : "null");
}

static void append_value(fvi_text_buffer *out, const fv_config_key *key, const char *text)
{
    char path[PATH_BYTES];
    if (text == NULL) {
        fvi_text_append(out, "null");
        return;
    }
    switch (key->type) {
    case FV_CONFIG_FLAG:
    case FV_CONFIG_INTEGER:
    case FV_CONFIG_REAL:
    case FV_CONFIG_CHOICE:
    case FV_CONFIG_BYTES:
    case FV_CONFIG_SHAPE:
        fvi_text_append(out, text);
        break;
    case FV_CONFIG_TEXT:
    case FV_CONFIG_WEIGHTS:
        append_quoted(out, text);
        break;
    case FV_CONFIG_TRANSFORMS:
        append_transforms(out, text);
        break;
    case FV_CONFIG_FILE:
    case FV_CONFIG_FOLDER:
    case FV_CONFIG_NETWORK:
    case FV_CONFIG_DATA:
        append_quoted(out, fvi_config_is_name(key->type, text) ? text : absolute(text, path));
        break;
    }
}

/* A comment ends with its line. */
static void append_comment(fvi_text_buffer *out, const char *text)
{
    char shown[512];
    snprintf(shown, sizeof shown, "%s", text);
    for (char *at = shown; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fvi_text_format(out, "  # %s\n", shown);
}

fv_status fv_config_to_yaml(const fv_config *config, char **text)
{
    fvi_text_buffer out = { .context = config->context };
    const char *open = "";
    fvi_text_format(&out, "# written by fovea %s: the run as resolved; behind each value, where it came from\n",
                    fv_version());
    for (int32_t i = 0; i < fvi_config_key_count; i++) {
        const fv_config_key *key = &fvi_config_keys[i];
        const size_t section = strcspn(key->key, ".");
        if (strncmp(key->key, open, section + 1) != 0)
            fvi_text_format(&out, "%.*s:\n", (int)section, key->key);
        open = key->key;
        fvi_text_format(&out, "  %s: ", key->key + section + 1);
        append_value(&out, key, config->values[i].text);
        append_comment(&out, fv_config_origin_text(config, key->key));
    }
    return fvi_text_finish(&out, text);
}

fv_status fv_config_write(const fv_config *config, const char *path)
{
    char *text = NULL;
    fvi_writer writer;
    FV_TRY(fv_config_to_yaml(config, &text));
    fv_status status = fvi_writer_open(&writer, config->context, path);
    if (status == FV_OK) {
        status = fvi_writer_append(&writer, text, strlen(text));
        if (status == FV_OK)
            status = fvi_writer_commit(&writer);
        else
            fvi_writer_discard(&writer);
    }
    fvi_release(config->context, text);
    return status;
}
