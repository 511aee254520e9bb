/* SPDX-License-Identifier: Apache-2.0
 *
 * image_png.c - PNG through libpng. Its errors jump (setjmp) out of the two functions that call it and nowhere else: what those
 * need afterwards lives in a struct of the caller's, since locals that change between setjmp and longjmp are lost.
 */
#include "data/image/image_internal.h"

#include "base/file.h"

#ifdef FVI_HAVE_PNG

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { DEFLATE_RATIO = 1032 };

typedef struct png_job {
    fv_context *context;
    const char *path;
    fv_status status; /* of a callback that failed for a reason of its own */
    char error[128];  /* libpng's */
    /* reading */
    const unsigned char *bytes;
    size_t size, at;
    png_infop info;
    unsigned char *rows; /* interleaved as libpng gives them */
    png_bytep *row;
    uint32_t width, height, channels;
    /* writing: to a file, or into memory */
    fvi_writer *writer;
    void *encoded;
    size_t encoded_size, encoded_room;
} png_job;

static void keep_error(png_structp png, png_const_charp text)
{
    png_job *job = png_get_error_ptr(png);
    snprintf(job->error, sizeof job->error, "%s", text);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void give_bytes(png_structp png, png_bytep out, size_t count)
{
    png_job *job = png_get_io_ptr(png);
    if (count > job->size - job->at)
        png_error(png, "truncated");
    memcpy(out, job->bytes + job->at, count);
    job->at += count;
}

static fv_status png_failed(png_job *job)
{
    if (job->status != FV_OK)
        return job->status;
    return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s' is no valid PNG near offset %zu: %s", job->path, job->at,
                    job->error);
}

/* Header and transformations: afterwards rows are 8 bits with 1 (grey), 2 (with alpha), 3 (RGB) or 4 channels. */
static fv_status read_header(png_structp png, png_job *job)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return png_failed(job);
    png_set_read_fn(png, job, give_bytes);
    png_set_user_limits(png, FVI_IMAGE_MOST_SIDE, FVI_IMAGE_MOST_SIDE);
    png_set_chunk_cache_max(png, 64);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_read_info(png, job->info);
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, job->info);
    job->width = png_get_image_width(png, job->info);
    job->height = png_get_image_height(png, job->info);
    job->channels = png_get_channels(png, job->info);
    return FV_OK;
}

static fv_status take_rows(png_job *job)
{
    const size_t row_bytes = (size_t)job->width * job->channels;
    if ((size_t)job->width * job->height > FVI_IMAGE_MOST_PIXELS)
        return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s': %ux%u pixels are more than %d", job->path, job->width,
                        job->height, FVI_IMAGE_MOST_PIXELS);
    /* An eighth: the rows may have been packed at one bit for each byte here (or palette: 3 or 4 bytes for one bit). */
    if (row_bytes * job->height / (8 * 4) > job->size * DEFLATE_RATIO)
        return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s' is truncated: %ux%u pixels cannot come from %zu bytes",
                        job->path, job->width, job->height, job->size);
    job->rows = fvi_allocate_zeroed(job->context, job->height, row_bytes);
    job->row = fvi_allocate(job->context, job->height * sizeof *job->row);
    if (job->rows == NULL || job->row == NULL)
        return fvi_out_of_memory(job->context, job->path, job->height * row_bytes);
    for (size_t y = 0; y < job->height; y++)
        job->row[y] = job->rows + y * row_bytes;
    return FV_OK;
}

static fv_status read_rows(png_structp png, png_job *job)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return png_failed(job);
    png_read_image(png, job->row);
    png_read_end(png, NULL);
    return FV_OK;
}

/* Interleaved to planes, alpha over white. */
static void separate(const png_job *job, uint32_t colours, uint8_t *pixels)
{
    const size_t plane = (size_t)job->width * job->height;
    for (size_t p = 0; p < plane; p++) {
        const unsigned char *in = job->rows + p * job->channels;
        const uint32_t alpha = job->channels > colours ? in[colours] : 255;
        for (uint32_t c = 0; c < colours; c++)
            pixels[c * plane + p] = (uint8_t)((in[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static fv_status decode(png_structp png, png_job *job, uint8_t **pixels, fv_image_shape *shape)
{
    FV_TRY(read_header(png, job));
    FV_TRY(take_rows(job));
    FV_TRY(read_rows(png, job));
    const uint32_t colours = job->channels < 3 ? 1 : 3;
    const size_t bytes = (size_t)job->width * job->height * colours;
    *pixels = fvi_allocate(job->context, bytes);
    if (*pixels == NULL)
        return fvi_out_of_memory(job->context, job->path, bytes);
    separate(job, colours, *pixels);
    *shape = (fv_image_shape){ (int32_t)colours, (int32_t)job->height, (int32_t)job->width };
    return FV_OK;
}

fv_status fvi_png_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape)
{
    png_job job = { .context = context, .path = path, .bytes = bytes, .size = size };
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, keep_error, ignore_warning);
    if (png != NULL)
        job.info = png_create_info_struct(png);
    const fv_status status =
        job.info != NULL ? decode(png, &job, pixels, shape) : fvi_out_of_memory(context, "a PNG reader", 0);
    if (png != NULL)
        png_destroy_read_struct(&png, &job.info, NULL);
    fvi_release(context, job.rows);
    fvi_release(context, job.row);
    return status;
}

static void take_bytes(png_structp png, png_bytep bytes, size_t count)
{
    png_job *job = png_get_io_ptr(png);
    if (job->writer != NULL) {
        job->status = fvi_writer_append(job->writer, bytes, count);
    } else {
        job->status =
            fvi_grow(job->context, &job->encoded, &job->encoded_room, job->encoded_size, job->encoded_size + count, 1);
        if (job->status == FV_OK)
            memcpy((unsigned char *)job->encoded + job->encoded_size, bytes, count);
        job->encoded_size += count;
    }
    if (job->status != FV_OK)
        png_error(png, "not written");
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static fv_status write_rows(png_structp png, png_job *job)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return png_failed(job);
    png_set_write_fn(png, job, take_bytes, flush_nothing);
    png_set_IHDR(png, job->info, job->width, job->height, 8,
                 job->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, job->info);
    png_write_image(png, job->row);
    png_write_end(png, NULL);
    return FV_OK;
}

static fv_status encode(png_job *job, const uint8_t *pixels)
{
    const size_t plane = (size_t)job->width * job->height;
    FV_TRY(take_rows(job));
    for (size_t p = 0; p < plane; p++)
        for (size_t c = 0; c < job->channels; c++)
            job->rows[p * job->channels + c] = pixels[c * plane + p];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, job, keep_error, ignore_warning);
    if (png != NULL)
        job->info = png_create_info_struct(png);
    const fv_status status =
        job->info != NULL ? write_rows(png, job) : fvi_out_of_memory(job->context, "a PNG writer", 0);
    if (png != NULL)
        png_destroy_write_struct(&png, &job->info);
    return status;
}

static fv_status check_shape(fv_context *context, const char *path, fv_image_shape shape)
{
    if ((shape.c != 1 && shape.c != 3) || shape.h < 1 || shape.w < 1 || shape.h > FVI_IMAGE_MOST_SIDE ||
        shape.w > FVI_IMAGE_MOST_SIDE)
        return fvi_fail(context, FV_ERR_SHAPE,
                        "image '%s': %dx%dx%d cannot be written; channels must be 1 or 3, sides 1 to %d", path, shape.c,
                        shape.h, shape.w, FVI_IMAGE_MOST_SIDE);
    return FV_OK;
}

static png_job writing_job(fv_context *context, const char *path, fvi_writer *writer, fv_image_shape shape)
{
    return (png_job){ .context = context,
                      .path = path,
                      .size = SIZE_MAX / DEFLATE_RATIO,
                      .writer = writer,
                      .width = (uint32_t)shape.w,
                      .height = (uint32_t)shape.h,
                      .channels = (uint32_t)shape.c };
}

fv_status fv_image_write_png(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape)
{
    fvi_writer writer;
    FV_TRY(check_shape(context, path, shape));
    FV_TRY(fvi_writer_open(&writer, context, path));
    png_job job = writing_job(context, path, &writer, shape);
    fv_status status = encode(&job, pixels);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    fvi_release(context, job.rows);
    fvi_release(context, job.row);
    return status;
}

fv_status fvi_png_encode(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape,
                         unsigned char **bytes, size_t *size)
{
    *bytes = NULL;
    FV_TRY(check_shape(context, path, shape));
    png_job job = writing_job(context, path, NULL, shape);
    const fv_status status = encode(&job, pixels);
    fvi_release(context, job.rows);
    fvi_release(context, job.row);
    if (status != FV_OK) {
        fvi_release(context, job.encoded);
        return status;
    }
    *bytes = job.encoded;
    *size = job.encoded_size;
    return FV_OK;
}

#else

fv_status fvi_png_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape)
{
    (void)bytes;
    (void)size;
    (void)pixels;
    (void)shape;
    return fvi_fail(context, FV_ERR_UNSUPPORTED,
                    "image '%s' is PNG, and this build of fovea has no libpng; convert it to PGM or PPM", path);
}

fv_status fv_image_write_png(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape)
{
    (void)pixels;
    (void)shape;
    return fvi_fail(context, FV_ERR_UNSUPPORTED, "image '%s' cannot be written: this build of fovea has no libpng",
                    path);
}

fv_status fvi_png_encode(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape,
                         unsigned char **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    return fv_image_write_png(context, path, pixels, shape);
}

#endif
