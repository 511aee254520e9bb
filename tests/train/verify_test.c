/* SPDX-License-Identifier: Apache-2.0
 *
 * verify_test.c - files that are whole say what they are; those that are not are refused with *info zeros.
 */
#include <string.h>

#include "train/stopped_run.h"

FV_TEST(verify, models_and_checkpoints)
{
    run r;
    fv_file_info info;
    char folder[TEST_PATH], path[TEST_PATH];
    size_t size = 0;
    test_folder_make(folder);
    test_path(path, folder, "file");
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(fv_model_write(r.context, path, r.params, &r.options.preprocess, NULL), FV_OK);
    assert_int_equal(fv_file_verify(r.context, path, &info), FV_OK);
    assert_int_equal(info.kind, FV_FILE_MODEL);
    assert_int_equal(info.tensors, fv_params_count(r.params));
    assert_int_equal(strlen(info.checksum), 16);
    assert_int_equal(fv_trainer_save(r.trainer, path, NULL), FV_OK);
    assert_int_equal(fv_file_verify(r.context, path, &info), FV_OK);
    assert_int_equal(info.kind, FV_FILE_CHECKPOINT);
    assert_string_equal(info.version, fv_version());
    unsigned char *bytes = test_file_read(folder, "file", &size);
    assert_int_equal(info.bytes, size);
    for (size_t at = 20; at < size; at += size / 37) {
        bytes[at] ^= 1;
        test_file_write(folder, "file", bytes, size);
        assert_int_equal(fv_file_verify(r.context, path, &info), FV_ERR_FORMAT);
        assert_int_equal(info.bytes, 0);
        bytes[at] ^= 1;
    }
    free(bytes);
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(verify, models_and_checkpoints)
