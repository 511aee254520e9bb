/* SPDX-License-Identifier: Apache-2.0
 *
 * bundle.c - the model behind a copy of the command: writing it there, and finding it when the copy starts.
 * Linux: the running file is /proc/self/exe; the model is given to fv_model_read() as a file in memory (memfd_create(2)).
 */
#include "bundle.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";
static const char magic[8] = { 'F', 'V', 'B', 'U', 'N', 'D', 'L', '1' };

enum { TRAILER = 32, PIECE = 1 << 16 };

/* The last bytes of a bundle: magic number, size of the model, its checksum, zeros; little endian. */
typedef struct trailer {
    uint64_t size, checksum;
} trailer;

static void store64(unsigned char *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* FNV-1a, 64 bits, continued. */
static uint64_t add_to_checksum(uint64_t sum, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static bool write_all(int file, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t written = write(file, bytes, count);
        if (written <= 0)
            return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

/* Copies the next `size` bytes (or, negative, all that are left) and adds to *checksum. -1: failed; else how many. */
static int64_t copy_bytes(int from, int to, int64_t size, uint64_t *checksum)
{
    unsigned char piece[PIECE];
    int64_t copied = 0;
    *checksum = 14695981039346656037u;
    while (size < 0 || copied < size) {
        const size_t wanted = size < 0 || size - copied > PIECE ? PIECE : (size_t)(size - copied);
        const ssize_t count = read(from, piece, wanted);
        if (count < 0 || (count == 0 && size >= 0))
            return -1;
        if (count == 0)
            break;
        if (!write_all(to, piece, (size_t)count))
            return -1;
        *checksum = add_to_checksum(*checksum, piece, (size_t)count);
        copied += count;
    }
    return copied;
}

/* Command, model, trailer to an open file. */
static bool write_parts(int command, int model, int out, int64_t *bytes)
{
    unsigned char end[TRAILER] = { 0 };
    uint64_t checksum = 0;
    const int64_t program = copy_bytes(command, out, -1, &checksum), size = copy_bytes(model, out, -1, &checksum);
    if (program < 0 || size < 0)
        return false;
    memcpy(end, magic, sizeof magic);
    store64(end + 8, (uint64_t)size);
    store64(end + 16, checksum);
    *bytes = program + size + TRAILER;
    return write_all(out, end, sizeof end) && fchmod(out, 0755) == 0 && fsync(out) == 0;
}

int cli_bundle_write(const cli_command *command, const char *model, const char *path, int64_t *bytes)
{
    const size_t length = strlen(path) + 8;
    char *temporary = malloc(length);
    if (temporary == NULL)
        return cli_fail(command, "out of memory");
    snprintf(temporary, length, "%s.XXXXXX", path);
    const int program = open(self, O_RDONLY | O_CLOEXEC), weights = open(model, O_RDONLY | O_CLOEXEC);
    const int out = program >= 0 && weights >= 0 ? mkstemp(temporary) : -1;
    bool good = out >= 0 && write_parts(program, weights, out, bytes);
    if (out >= 0)
        good = close(out) == 0 && good && rename(temporary, path) == 0;
    if (out >= 0 && !good)
        unlink(temporary);
    if (weights >= 0)
        close(weights);
    if (program >= 0)
        close(program);
    free(temporary);
    return good ? CLI_DONE : cli_fail(command, "cannot write '%s': %m", path);
}

/* The trailer of an open file, if it has one whose model fits into the file. */
static bool read_trailer(int file, trailer *found, int64_t *model_at)
{
    unsigned char end[TRAILER];
    struct stat status;
    if (fstat(file, &status) != 0 || status.st_size < TRAILER ||
        pread(file, end, TRAILER, status.st_size - TRAILER) != TRAILER || memcmp(end, magic, sizeof magic) != 0)
        return false;
    *found = (trailer){ load64(end + 8), load64(end + 16) };
    if (found->size > (uint64_t)(status.st_size - TRAILER))
        return false;
    *model_at = status.st_size - TRAILER - (int64_t)found->size;
    return true;
}

bool cli_bundle_present(void)
{
    trailer found;
    int64_t at = 0;
    const int file = open(self, O_RDONLY | O_CLOEXEC);
    const bool present = file >= 0 && read_trailer(file, &found, &at);
    if (file >= 0)
        close(file);
    return present;
}

int cli_bundle_open(char path[64])
{
    trailer found = { 0, 0 };
    int64_t at = 0;
    uint64_t checksum = 0;
    const int file = open(self, O_RDONLY | O_CLOEXEC);
    const int memory = memfd_create("model", MFD_CLOEXEC);
    const bool good = file >= 0 && memory >= 0 && read_trailer(file, &found, &at) && lseek(file, at, SEEK_SET) == at &&
                      copy_bytes(file, memory, (int64_t)found.size, &checksum) == (int64_t)found.size;
    if (file >= 0)
        close(file);
    if (!good)
        return cli_fail(&cli_bundle, "cannot read the model in this file: %m");
    if (checksum != found.checksum)
        return cli_fail(&cli_bundle, "the model in this file is damaged: checksum %016llx instead of %016llx",
                        (unsigned long long)checksum, (unsigned long long)found.checksum);
    snprintf(path, 64, "/proc/self/fd/%d", memory);
    return CLI_DONE;
}

int cli_bundle_help(const char *app)
{
    const char *const slash = strrchr(app, '/');
    printf("%s [--top N] [--threads N] [--precision f32|bf16] [--json] FILE...\n\n"
           "Names the most probable classes of image files: PNG, JPEG, PGM or PPM. The network is in this file, made "
           "by fovea %s.\n"
           "Options are those of fovea predict: classes to name (5), threads (all), a JSON object per file.\n",
           slash != NULL ? slash + 1 : app, fv_version());
    return cli_finish_output(&cli_bundle);
}
