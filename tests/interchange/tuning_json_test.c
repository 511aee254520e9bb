/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning_json_test.c - files of choices: written and read again, of another machine, of another build, and spoilt.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/tuning.h"
#include "support/files.h"
#include "support/graphs.h"
#include "support/test.h"

static fv_tuning *open_tuning(fv_context *context)
{
    fv_tuning *tuning = NULL;
    assert_int_equal(fv_tuning_create(&tuning, context, NULL), FV_OK);
    return tuning;
}

static void add(fv_tuning *tuning, const char *problem, fvi_pass pass, double first, double second)
{
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(fvi_context_isa(tuning->context), FV_F32, &count);
    fvi_choice choice = { .pass = pass, .count = 2 };
    assert_true(count > 1);
    assert_null(fvi_conv2d_parse(problem, &choice.shape));
    choice.candidate[0] = (fvi_candidate){ .name = table[count - 1].name, .seconds = first };
    choice.candidate[1] = (fvi_candidate){ .name = table[count - 2].name, .seconds = second };
    assert_int_equal(fvi_tuning_add(tuning, &choice), FV_OK);
}

FV_TEST(tuning_json, what_is_written_reads_back)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "tuning.json");
    fv_tuning *tuning = open_tuning(context);
    assert_int_equal(fv_tuning_read(tuning, path, false), FV_ERR_NOT_FOUND);
    add(tuning, "n4c6h14k16r5", FVI_FORWARD, 1.25e-3, 2.5e-3);
    add(tuning, "n4c6h14k16r5", FVI_BACKWARD_WEIGHTS, 0, 0);
    assert_int_equal(fv_tuning_write(tuning, path), FV_OK);
    const fv_tuning_choice first = fv_tuning_get(tuning, 0);
    char *problem = strdup(first.problem), *timed = strdup(first.timed);
    const char *algorithm = first.algorithm;
    fv_tuning_destroy(tuning);
    tuning = open_tuning(context);
    assert_int_equal(fv_tuning_read(tuning, path, false), FV_OK);
    assert_int_equal(fv_tuning_read(tuning, path, false), FV_OK); /* known already */
    assert_int_equal(fv_tuning_count(tuning), 2);
    assert_string_equal(fv_tuning_get(tuning, 0).problem, problem);
    assert_string_equal(fv_tuning_get(tuning, 0).timed, timed);
    assert_string_equal(fv_tuning_get(tuning, 0).algorithm, algorithm);
    assert_string_equal(fv_tuning_get(tuning, 0).pass, "forward");
    assert_false(fv_tuning_get(tuning, 0).measured);
    assert_string_equal(fv_tuning_get(tuning, 1).pass, "backward_weights");
    assert_string_equal(fv_tuning_get(tuning, 1).timed, "");
    free(problem);
    free(timed);
    fv_tuning_destroy(tuning);
    test_folder_remove(folder);
    fv_context_destroy(context);
}

/* Reads text as a file of choices; returns how many there are then. */
static fv_status read_text(fv_context *context, const char *text, bool any_machine, int32_t *count)
{
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "tuning.json");
    test_file_write(folder, "tuning.json", text, strlen(text));
    fv_tuning *tuning = open_tuning(context);
    const fv_status status = fv_tuning_read(tuning, path, any_machine);
    *count = fv_tuning_count(tuning);
    fv_tuning_destroy(tuning);
    test_folder_remove(folder);
    return status;
}

#define HEAD "{\"format\": \"fovea tuning 1\", \"machine\": \"elsewhere\", \"choices\": ["
#define CHOICE(algorithm) "{\"problem\": \"c6h14k16r5\", \"pass\": \"forward\", \"algorithm\": \"" algorithm "\"}"

FV_TEST(tuning_json, other_machines_are_refused_unless_asked_for)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    int32_t count = 0;
    assert_int_equal(read_text(context, HEAD CHOICE("reference") "]}", false, &count), FV_ERR_FORMAT);
    assert_non_null(strstr(fv_context_message(context), "'elsewhere'"));
    assert_int_equal(read_text(context, HEAD CHOICE("reference") "," CHOICE("abacus") "]}", true, &count), FV_OK);
    assert_int_equal(count, 1); /* an algorithm that is not there is left out */
    fv_context_destroy(context);
}

FV_TEST(tuning_json, spoilt_files_say_what_is_wrong)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", "tuning.json" },
        { "[]", "map" },
        { "{\"format\": \"x\"}", "'fovea tuning 1'" },
        { "{\"format\": \"fovea tuning 1\"}", "'machine' is missing" },
        { "{\"format\": \"fovea tuning 1\", \"machine\": \"m\"}", "'choices' is missing" },
        { HEAD "3]}", "choices[0]" },
        { HEAD "{\"problem\": \"c6\"}]}", "'algorithm' is missing" },
        { HEAD "{\"problem\": \"c6h14k16r5\", \"pass\": \"sideways\", \"algorithm\": \"reference\"}]}", "'sideways'" },
        { HEAD "{\"problem\": \"c6\", \"pass\": \"forward\", \"algorithm\": \"reference\"}]}", "problem 'c6'" },
        { HEAD "{\"problem\": \"c6h14k16r99\", \"pass\": \"forward\", \"algorithm\": \"reference\"}]}", "larger" },
        { HEAD
          "{\"problem\": \"c6h14k16r5\", \"pass\": \"forward\", \"algorithm\": \"reference\", \"ms\": {\"a\": -1}}]}",
          "above 0" },
    };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t count = 0;
        assert_int_equal(read_text(context, cases[i].text, true, &count), FV_ERR_FORMAT);
        if (strstr(fv_context_message(context), cases[i].says) == NULL)
            fail_msg("case %zu: '%s' does not say '%s'", i, fv_context_message(context), cases[i].says);
        assert_int_equal(count, 0);
    }
    fv_context_destroy(context);
}

FV_TESTS(tuning_json, what_is_written_reads_back, other_machines_are_refused_unless_asked_for,
         spoilt_files_say_what_is_wrong)
