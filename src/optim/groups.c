/* SPDX-License-Identifier: Apache-2.0
 *
 * groups.c - rate, decay and freezing by name: reads fv_optimizer_options.groups, as optimizer.h describes it.
 */
#include <string.h>

#include "base/glob.h"
#include "fovea/text.h"
#include "optim/rules.h"

/* Where the reader is. */
typedef struct reader {
    fv_context *context;
    const char *text, *at;
    char pattern[256], word[64];
} reader;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_spaces(reader *r)
{
    while (is_space(*r->at))
        r->at++;
}

/* Characters up to one of `ends` or a space; false when there are none or too many. */
static bool take(reader *r, const char *ends, char *word, size_t size)
{
    size_t length = 0;
    skip_spaces(r);
    while (*r->at != '\0' && !is_space(*r->at) && strchr(ends, *r->at) == NULL) {
        if (length + 1 >= size)
            return false;
        word[length++] = *r->at++;
    }
    word[length] = '\0';
    skip_spaces(r);
    return length > 0;
}

static fv_status fail_at(const reader *r, const char *wanted)
{
    return fvi_fail(
        r->context, FV_ERR_ARGUMENT,
        "optimizer: groups, character %d: %s is wanted, as in \"conv1.*(frozen) *.bias(rate=2)\", but there is '%.40s'",
        (int)(r->at - r->text) + 1, wanted, r->at);
}

static bool read_number(const char *text, double *value)
{
    return fvi_read_number(&text, value) && *text == '\0';
}

static fv_status check_matches(const reader *r, const fv_params *params)
{
    const int32_t count = fv_params_count(params);
    for (int32_t i = 0; i < count; i++)
        if (fvi_glob(r->pattern, fv_params_info(params, i).name))
            return FV_OK;
    return fvi_fail(r->context, FV_ERR_ARGUMENT,
                    "optimizer: groups: '%s' matches no parameter of network '%s' (they are called like '%s')",
                    r->pattern, fv_graph_name(fv_params_graph(params)),
                    count > 0 ? fv_params_info(params, 0).name : "conv1.weight");
}

static fv_status read_property(reader *r, const fv_params *params, fvi_group *group)
{
    static const char *const words[] = { "rate", "decay", "l1", "frozen", "plain" };
    enum { RATE, DECAY, L1, FROZEN, PLAIN, WORDS };
    char number[64];
    double value = 0;
    int which = 0;
    if (!take(r, "(),=", r->word, sizeof r->word))
        return fail_at(r, "a property");
    while (which < WORDS && strcmp(words[which], r->word) != 0)
        which++;
    if (which == WORDS) {
        const char *near = fv_nearest_word(r->word, words, WORDS);
        return fvi_fail(r->context, FV_ERR_ARGUMENT,
                        "optimizer: groups: '%s' has no property '%s'%s%s%s (rate, decay, l1, frozen, plain)",
                        r->pattern, r->word, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                        near != NULL ? "'?" : "");
    }
    if (which < FROZEN) {
        if (*r->at != '=')
            return fail_at(r, "'=' and a number");
        r->at++;
        if (!take(r, "(),=", number, sizeof number) || !read_number(number, &value))
            return fvi_fail(r->context, FV_ERR_ARGUMENT,
                            "optimizer: groups: %s of '%s' is '%s', but must be a number of at least 0", r->word,
                            r->pattern, number);
    }
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        if (!fvi_glob(r->pattern, fv_params_info(params, i).name))
            continue;
        group[i].rate = which == RATE ? value : group[i].rate;
        group[i].decay = which == DECAY ? value : group[i].decay;
        group[i].l1 = which == L1 ? value : group[i].l1;
        group[i].frozen = group[i].frozen || which == FROZEN;
        group[i].plain = group[i].plain || which == PLAIN;
    }
    return FV_OK;
}

static fv_status read_entry(reader *r, const fv_params *params, fvi_group *group)
{
    if (!take(r, "(),=", r->pattern, sizeof r->pattern))
        return fail_at(r, "a pattern");
    FV_TRY(check_matches(r, params));
    if (*r->at != '(')
        return fail_at(r, "'(' behind the pattern");
    do {
        r->at++;
        FV_TRY(read_property(r, params, group));
    } while (*r->at == ',');
    if (*r->at != ')')
        return fail_at(r, "',' or ')'");
    r->at++;
    skip_spaces(r);
    if (*r->at == ',') /* between entries, as lists of files have it */
        r->at++;
    skip_spaces(r);
    return FV_OK;
}

fv_status fvi_groups_read(const fv_params *params, const fv_optimizer_options *options, fvi_group *group)
{
    reader r = { .context = fv_graph_context(fv_params_graph(params)), .text = options->groups, .at = options->groups };
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const bool decayed = fv_params_info(params, i).decayed;
        const bool on = fv_params_info(params, i).trained && (decayed || options->decay_all);
        group[i] = (fvi_group){
            .rate = 1, .decay = on ? options->weight_decay : 0, .l1 = on ? options->l1 : 0, .plain = !decayed
        };
    }
    if (r.at == NULL)
        return FV_OK;
    skip_spaces(&r);
    while (*r.at != '\0')
        FV_TRY(read_entry(&r, params, group));
    return FV_OK;
}
