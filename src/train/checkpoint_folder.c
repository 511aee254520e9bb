/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint_folder.c - a run's folder of checkpoints: step-<12 digits>.safetensors, of which the last few are kept, and best.safetensors.
 * A file is replaced or appears whole (fvi_writer), so that whatever kills the process, the files that have such names are whole;
 * what a disk or a person damages later is found by the checksums, and the file before it is taken.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "interchange/model_format.h"
#include "train/trainer_internal.h"

enum { KEEP = 2, DIGITS = 12, NAME_ROOM = 64 };

static const char ending[] = ".safetensors", best_name[] = "best";

char *fvi_checkpoint_path(fv_context *context, const char *folder, const char *name, int64_t number)
{
    const size_t size = strlen(folder) + strlen(name) + NAME_ROOM;
    char *path = fvi_allocate(context, size);
    if (path != NULL && number >= 0)
        snprintf(path, size, "%s/%s%0*" PRId64 "%s", folder, name, DIGITS, number, ending);
    else if (path != NULL)
        snprintf(path, size, "%s/%s%s", folder, name, ending);
    return path;
}

/* The number of "step-000000000120.safetensors", or -1. */
static int64_t number_of(const char *name)
{
    char *end = NULL;
    if (strncmp(name, "step-", 5) != 0 || strspn(name + 5, "0123456789") != DIGITS)
        return -1;
    const long long number = strtoll(name + 5, &end, 10);
    return strcmp(end, ending) == 0 ? number : -1;
}

static bool is_partial(const char *name)
{
    const char *behind = strstr(name, ".safetensors.partial-");
    return behind != NULL && (strncmp(name, "step-", 5) == 0 || strncmp(name, best_name, sizeof best_name - 1) == 0);
}

static int descending(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a;
    const int64_t *other = b;
    return one > *other ? -1 : one < *other;
}

static fv_status cannot_read(fv_context *context, const char *folder, int error)
{
    return fvi_fail(context, error == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO,
                    "the folder of checkpoints '%s' cannot be read: %s", folder, strerror(error));
}

/* The numbers of a folder's checkpoints, the last first, released by fvi_release(). partials: remove what a killed run left. */
static fv_status list_numbers(fv_context *context, const char *folder, bool partials, int64_t **numbers, size_t *count)
{
    size_t capacity = 0;
    void *array = NULL;
    fv_status status = FV_OK;
    *numbers = NULL;
    *count = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return cannot_read(context, folder, errno);
    for (const struct dirent *entry = readdir(directory); entry != NULL && status == FV_OK;
         entry = readdir(directory)) {
        const int64_t number = number_of(entry->d_name);
        if (partials && is_partial(entry->d_name))
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
        if (number < 0)
            continue;
        status = fvi_grow(context, &array, &capacity, *count, *count + 1, sizeof **numbers);
        if (status == FV_OK)
            ((int64_t *)array)[(*count)++] = number;
    }
    closedir(directory);
    if (status != FV_OK) {
        fvi_release(context, array);
        return status;
    }
    *numbers = array;
    if (*count > 0)
        qsort(array, *count, sizeof **numbers, descending);
    return FV_OK;
}

static fv_status check_file(fv_context *context, const char *path)
{
    fvi_safetensors file;
    FV_TRY(fvi_safetensors_open(&file, context, path));
    fv_status status = fvi_model_check_format(&file);
    if (status == FV_OK && fvi_safetensors_text(&file, FVI_MODEL_STATE) == NULL)
        status = fvi_fail(context, FV_ERR_FORMAT, "'%s' is no checkpoint", path);
    if (status == FV_OK)
        status = fvi_safetensors_check(&file);
    fvi_safetensors_close(&file);
    return status;
}

static fv_status find_latest(fv_context *context, const char *folder, const int64_t *numbers, size_t count, char **path)
{
    for (size_t i = 0; i < count; i++) {
        *path = fvi_checkpoint_path(context, folder, "step-", numbers[i]);
        if (*path == NULL)
            return fvi_out_of_memory(context, "a file name", 0);
        const fv_status status = check_file(context, *path);
        if (status == FV_OK)
            return FV_OK;
        fvi_release(context, *path);
        *path = NULL;
        if (status == FV_ERR_MEMORY || status == FV_ERR_UNSUPPORTED)
            return status;
        fvi_log_message(context, FV_LOG_WARNING, "%s%s", fv_context_message(context),
                        i + 1 < count ? "; the checkpoint before it is tried" : "");
    }
    return count == 0 ? fvi_fail(context, FV_ERR_NOT_FOUND, "'%s' holds no checkpoint", folder)
                      : fvi_fail(context, FV_ERR_FORMAT, "none of the %zu checkpoints in '%s' is whole", count, folder);
}

fv_status fvi_checkpoint_before(fv_context *context, const char *folder, int64_t steps, char **path)
{
    int64_t *numbers = NULL;
    size_t count = 0, behind = 0;
    *path = NULL;
    FV_TRY(list_numbers(context, folder, false, &numbers, &count));
    while (behind < count && numbers[behind] >= steps)
        behind++;
    const fv_status status = find_latest(context, folder, numbers + behind, count - behind, path);
    fvi_release(context, numbers);
    return status;
}

fv_status fv_checkpoint_latest(fv_context *context, const char *folder, char **path)
{
    return fvi_checkpoint_before(context, folder, INT64_MAX, path);
}

void fvi_checkpoints_release(fv_context *context, fvi_checkpoints *checkpoints)
{
    fvi_release(context, checkpoints->folder);
    fvi_release(context, checkpoints->extra);
    *checkpoints = (fvi_checkpoints){ 0 };
}

static void remove_number(fv_context *context, const char *folder, int64_t number)
{
    char *path = fvi_checkpoint_path(context, folder, "step-", number);
    if (path != NULL)
        (void)unlink(path); /* what cannot be removed does no harm */
    fvi_release(context, path);
}

static fv_status prune(const fv_trainer *trainer)
{
    const fvi_checkpoints *kept = &trainer->checkpoints;
    int64_t *numbers = NULL;
    size_t count = 0;
    FV_TRY(list_numbers(trainer->context, kept->folder, false, &numbers, &count));
    for (size_t i = (size_t)kept->keep; i < count; i++)
        remove_number(trainer->context, kept->folder, numbers[i]);
    fvi_release(trainer->context, numbers);
    return FV_OK;
}

/* The same file under a second name; written once more where the file system has no links. */
static fv_status write_best(fv_trainer *trainer, const char *written)
{
    const fvi_checkpoints *kept = &trainer->checkpoints;
    fv_context *context = trainer->context;
    char *path = fvi_checkpoint_path(context, kept->folder, best_name, -1),
         *beside = fvi_checkpoint_path(context, kept->folder, "best.safetensors.partial-link", -1);
    fv_status status = path != NULL && beside != NULL ? FV_OK : fvi_out_of_memory(context, "a file name", 0);
    if (status == FV_OK) {
        (void)unlink(beside);
        if (link(written, beside) != 0 || rename(beside, path) != 0) {
            (void)unlink(beside);
            status = fvi_trainer_write(trainer, path, kept->extra, NULL);
        }
    }
    fvi_release(context, beside);
    fvi_release(context, path);
    return status;
}

static fv_status write_number(fv_trainer *trainer, bool epoch_ended)
{
    fvi_checkpoints *kept = &trainer->checkpoints;
    const int64_t steps = fvi_trainer_steps(trainer);
    char *path = fvi_checkpoint_path(trainer->context, kept->folder, "step-", steps);
    if (path == NULL)
        return fvi_out_of_memory(trainer->context, "a file name", 0);
    fv_status status = fvi_trainer_write(trainer, path, kept->extra, NULL);
    if (status == FV_OK && epoch_ended && trainer->best == trainer->epoch - 1 && trainer->best >= 0)
        status = write_best(trainer, path);
    fvi_release(trainer->context, path);
    FV_TRY(status);
    kept->saved_steps = steps;
    kept->saved_at = fvi_seconds();
    return prune(trainer);
}

fv_status fvi_checkpoint_write(fv_trainer *trainer, bool epoch_ended)
{
    atomic_store(&trainer->save_soon, 0);
    if (trainer->checkpoints.folder == NULL)
        return FV_OK;
    const fv_status status = write_number(trainer, epoch_ended);
    return status == FV_OK ? FV_OK
                           : fvi_fail_in(&trainer->message, status, "the run cannot be saved: %s",
                                         fv_context_message(trainer->context));
}

fv_status fvi_checkpoint_if_due(fv_trainer *trainer)
{
    const fvi_checkpoints *kept = &trainer->checkpoints;
    const int64_t steps = fvi_trainer_steps(trainer);
    if (kept->folder == NULL || steps == kept->saved_steps)
        return FV_OK;
    const bool due = atomic_load(&trainer->save_soon) != 0 ||
                     (kept->every_steps > 0 && steps % kept->every_steps == 0) ||
                     (kept->every_seconds > 0 && fvi_seconds() - kept->saved_at >= kept->every_seconds);
    return due ? fvi_checkpoint_write(trainer, false) : FV_OK;
}

void fv_trainer_save_soon(fv_trainer *trainer)
{
    atomic_store(&trainer->save_soon, 1);
}

static fv_status make_folder(fv_context *context, const char *folder)
{
    struct stat info;
    if (mkdir(folder, 0777) == 0 || (errno == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode)))
        return FV_OK;
    return fvi_fail(context, FV_ERR_IO, "the folder of checkpoints '%s' cannot be made: %s", folder,
                    errno == EEXIST ? "there is a file of that name" : strerror(errno));
}

void fvi_checkpoints_forget(const fv_trainer *trainer)
{
    int64_t *numbers = NULL;
    size_t count = 0;
    if (list_numbers(trainer->context, trainer->checkpoints.folder, false, &numbers, &count) != FV_OK)
        return;
    for (size_t i = 0; i < count && numbers[i] > fvi_trainer_steps(trainer); i++)
        remove_number(trainer->context, trainer->checkpoints.folder, numbers[i]);
    fvi_release(trainer->context, numbers);
}

/* What is left of another run goes, if it may. What this run wrote behind its present place is damaged, or the run would be there. */
static fv_status clear_folder(const fv_trainer *trainer, const char *folder, bool replace)
{
    fv_context *context = trainer->context;
    int64_t *numbers = NULL;
    size_t count = 0;
    FV_TRY(list_numbers(context, folder, true, &numbers, &count));
    if (count > 0 && !replace && !trainer->restored) {
        fvi_release(context, numbers);
        return fvi_fail(context, FV_ERR_STATE,
                        "'%s' holds the checkpoints of another run; restore the last one, or replace them", folder);
    }
    for (size_t i = 0; i < count; i++)
        if (replace || numbers[i] > fvi_trainer_steps(trainer))
            remove_number(context, folder, numbers[i]);
    fvi_release(context, numbers);
    if (replace) {
        char *path = fvi_checkpoint_path(context, folder, best_name, -1);
        if (path != NULL)
            (void)unlink(path);
        fvi_release(context, path);
    }
    return FV_OK;
}

static fv_status open_folder(fv_trainer *trainer, const fv_checkpoint_options *options)
{
    fv_context *context = trainer->context;
    fvi_checkpoints kept = { .keep = options->keep > 0 ? options->keep : KEEP,
                             .every_steps = options->every_steps,
                             .every_seconds = options->every_seconds,
                             .saved_steps = -1 };
    FV_TRY(make_folder(context, options->folder));
    FV_TRY(clear_folder(trainer, options->folder, options->replace));
    kept.folder = fvi_duplicate_text(context, options->folder);
    kept.extra = options->extra != NULL ? fvi_duplicate_text(context, options->extra) : NULL;
    if (kept.folder == NULL || (options->extra != NULL && kept.extra == NULL)) {
        fvi_checkpoints_release(context, &kept);
        return fvi_out_of_memory(context, "a folder of checkpoints", 0);
    }
    fvi_checkpoints_release(context, &trainer->checkpoints);
    trainer->checkpoints = kept;
    return FV_OK;
}

fv_status fv_trainer_keep_checkpoints(fv_trainer *trainer, const fv_checkpoint_options *options)
{
    fv_context *context = trainer->context;
    if (options->folder == NULL || options->folder[0] == '\0' || options->keep < 0 || options->every_steps < 0 ||
        !(options->every_seconds >= 0))
        return fvi_fail_in(&trainer->message, FV_ERR_ARGUMENT,
                           "checkpoints: a folder is needed, and keep, every_steps and every_seconds of at least 0");
    const fv_status status = open_folder(trainer, options);
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "%s", fv_context_message(context));
    return fvi_checkpoint_write(trainer, false);
}
