/* SPDX-License-Identifier: Apache-2.0
 *
 * image_jpeg.c - JPEG through libjpeg(-turbo), the right way up by the orientation that Exif (JEITA CP-3451) notes, read by libexif.
 * libjpeg reports an error by calling a function that must not return: it jumps (setjmp) out of the two functions that call it and
 * nowhere else; what those need afterwards lives in a struct of the caller's. Nothing is printed.
 * Where only a part of an image is wanted (fvi_wish), what lies before it is read and not decoded, what lies behind it is not even read. Images are made
 * smaller by 1/2, 1/4 and 1/8: only for these has libjpeg-turbo vector code, 5/8 to 7/8 take longer than the whole.
 * Limits: 8 bits; greys, YCbCr, RGB, CMYK and YCCK (Adobe's, which are stored inverted). A file that ends early is an error.
 */
#include "data/image/image_internal.h"

#ifdef FVI_HAVE_JPEG

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#ifdef FVI_HAVE_EXIF
#include <libexif/exif-data.h>
#endif

/* Bits of file that a block of 8x8 pixels takes at least: two codes, or one in the first scan of a progressive file. */
enum { LEAST_BLOCK_BITS = 1, BLOCK_PIXELS = 64, MOST_LIBRARY_MEMORY = 1 << 29, MOST_SCANS = 500 };

typedef struct jpeg_job {
    struct jpeg_error_mgr errors; /* first: libjpeg gives a pointer to it */
    jmp_buf out;
    fv_context *context;
    const char *path;
    size_t size;
    int32_t shorter;
    fvi_scratch *scratch;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    unsigned char *row; /* of CMYK */
    const char *damage; /* what a warning told, or NULL */
    int orientation;
    int32_t channels;
    JDIMENSION top, left, rows, columns; /* of the scaled image: what is decoded of it */
    bool too_many_scans;
    char error[JMSG_LENGTH_MAX];
} jpeg_job;

static void leave(j_common_ptr common)
{
    jpeg_job *job = (jpeg_job *)common->err;
    common->err->format_message(common, job->error);
    longjmp(job->out, 1);
}

/* Warnings of a file that ends early or is damaged inside; others (bytes between markers, odd headers) harm no pixel. */
static void note(j_common_ptr common, int level)
{
    jpeg_job *job = (jpeg_job *)common->err;
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        job->damage = "truncated";
    else if (level < 0 && (common->err->msg_code == JWRN_HIT_MARKER || common->err->msg_code == JWRN_HUFF_BAD_CODE) &&
             job->damage == NULL)
        job->damage = "damaged";
}

static void print_nothing(j_common_ptr common)
{
    (void)common;
}

/* A progressive file of a few bytes can ask for passes over the whole image without end. */
static void watch_scans(j_common_ptr common)
{
    jpeg_job *job = common->client_data;
    if (common->is_decompressor && job->jpeg.input_scan_number > MOST_SCANS) {
        job->too_many_scans = true;
        snprintf(job->error, sizeof job->error, "more than %d scans", MOST_SCANS);
        longjmp(job->out, 1);
    }
}

static fv_status jpeg_failed(jpeg_job *job)
{
    return fvi_fail(job->context, job->jpeg.err->msg_code == JERR_OUT_OF_MEMORY ? FV_ERR_MEMORY : FV_ERR_FORMAT,
                    "image '%s' is no valid JPEG: %s", job->path, job->error);
}

/* 1 to 8 as in Exif; 1 where nothing is noted. */
static int find_orientation(const struct jpeg_decompress_struct *jpeg)
{
    int orientation = 1;
#ifdef FVI_HAVE_EXIF
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL; marker = marker->next) {
        if (marker->data_length < 14 || memcmp(marker->data, "Exif\0", 6) != 0)
            continue;
        ExifData *data = exif_data_new_from_data(marker->data, marker->data_length);
        ExifEntry *entry = data != NULL ? exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION) : NULL;
        if (entry != NULL && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2)
            orientation = exif_get_short(entry->data, exif_data_get_byte_order(data));
        if (data != NULL)
            exif_data_unref(data);
        break;
    }
#else
    (void)jpeg;
#endif
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

/* The smallest scale, in eighths, that leaves `rows` and `columns` of so many pixels. */
static unsigned choose_scale(double h, double w, int32_t rows, int32_t columns)
{
    unsigned eighths = 8;
    while (eighths > 1 && h * (eighths / 2) / 8 >= rows && w * (eighths / 2) / 8 >= columns)
        eighths /= 2;
    return eighths;
}

/* Sets first and count to the pixels of `side` that a filter reads around so many from `start` on when it makes `wanted` of them. */
static void cut_side(double start, double length, int32_t wanted, JDIMENSION side, JDIMENSION *first, JDIMENSION *count)
{
    const double step = length / wanted, margin = (step > 1 ? step : 1) + 2;
    const double low = start - margin, high = start + length + margin;
    *first = low > 0 ? (JDIMENSION)low : 0;
    *count = (high < side ? (JDIMENSION)high + 1 : side) - *first;
    if (*count > side - *first)
        *count = side - *first;
}

/* What to decode, and at which scale. An image that has to be turned is decoded whole. */
static void choose_part(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    const bool swapped = job->orientation >= 5;
    const int32_t h = (int32_t)(swapped ? jpeg->image_width : jpeg->image_height);
    const int32_t w = (int32_t)(swapped ? jpeg->image_height : jpeg->image_width);
    const fvi_wish *wish = job->scratch->wish;
    fvi_region region = { .h = h, .w = w, .rows = job->shorter, .columns = job->shorter };
    if (wish != NULL)
        wish->choose(wish->user, (fv_image_shape){ job->channels, h, w }, &region);
    const bool wanted = region.rows > 0 && region.columns > 0;
    const unsigned eighths =
        wanted && !region.full_size ? choose_scale(region.h, region.w, region.rows, region.columns) : 8;
    jpeg->scale_num = eighths;
    jpeg->scale_denom = 8;
    jpeg_calc_output_dimensions(jpeg);
    job->rows = jpeg->output_height;
    job->columns = jpeg->output_width;
    if (wish == NULL || !wanted)
        return;
    job->scratch->part.eighths = (int32_t)eighths;
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    const double scale = eighths / 8.0;
    if (job->orientation == 1) {
        cut_side(region.y * scale, region.h * scale, region.rows, jpeg->output_height, &job->top, &job->rows);
        cut_side(region.x * scale, region.w * scale, region.columns, jpeg->output_width, &job->left, &job->columns);
    }
#else
    (void)cut_side;
#endif
}

static fv_status check_size(jpeg_job *job)
{
    const struct jpeg_decompress_struct *jpeg = &job->jpeg;
    const size_t pixels = (size_t)jpeg->image_width * jpeg->image_height;
    if (jpeg->image_width > FVI_IMAGE_MOST_SIDE || jpeg->image_height > FVI_IMAGE_MOST_SIDE ||
        pixels > FVI_IMAGE_MOST_PIXELS)
        return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s': %ux%u pixels are more than %d, or a side than %d",
                        job->path, jpeg->image_width, jpeg->image_height, FVI_IMAGE_MOST_PIXELS, FVI_IMAGE_MOST_SIDE);
    if (pixels / BLOCK_PIXELS * LEAST_BLOCK_BITS / 8 > job->size)
        return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s' is truncated: %ux%u pixels cannot come from %zu bytes",
                        job->path, jpeg->image_width, jpeg->image_height, job->size);
    return FV_OK;
}

static fv_status read_header(jpeg_job *job, const unsigned char *bytes)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    if (setjmp(job->out) != 0)
        return jpeg_failed(job);
    jpeg_create_decompress(jpeg);
    jpeg->client_data = job;
    jpeg->mem->max_memory_to_use = MOST_LIBRARY_MEMORY;
    job->progress.progress_monitor = watch_scans;
    jpeg->progress = &job->progress;
    jpeg_mem_src(jpeg, bytes, job->size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    job->channels = jpeg->num_components == 1 ? 1 : 3;
    if (jpeg->num_components == 1)
        jpeg->out_color_space = JCS_GRAYSCALE;
    else
        jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
    job->orientation = find_orientation(jpeg);
    choose_part(job);
    return FV_OK;
}

/* Adobe stores CMYK inverted: a byte is how much of the paper shines through. */
static void inks_to_colours(const unsigned char *inks, size_t pixels, bool inverted, uint8_t *out)
{
    for (size_t p = 0; p < pixels; p++, inks += 4, out += 3)
        for (int c = 0; c < 3; c++) {
            const uint32_t colour = inverted ? inks[c] : 255U - inks[c], light = inverted ? inks[3] : 255U - inks[3];
            out[c] = (uint8_t)((colour * light + 127) / 255);
        }
}

/* Whether the file ends as a whole one does. */
static bool ends(const unsigned char *bytes, size_t size)
{
    return size >= 2 && bytes[size - 2] == 0xFF && bytes[size - 1] == JPEG_EOI;
}

static void start_at(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_start_decompress(jpeg);
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    if (job->columns < jpeg->output_width) /* begins at a whole block, at or before `left` */
        jpeg_crop_scanline(jpeg, &job->left, &job->columns);
    if (job->top > 0)
        jpeg_skip_scanlines(jpeg, job->top);
#endif
}

static fv_status read_rows(jpeg_job *job, const unsigned char *bytes, uint8_t *pixels)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    if (setjmp(job->out) != 0)
        return jpeg_failed(job);
    start_at(job);
    const size_t row_bytes = (size_t)jpeg->output_width * (size_t)job->channels;
    while (job->damage == NULL && jpeg->output_scanline < job->top + job->rows) {
        uint8_t *const place = pixels + (jpeg->output_scanline - job->top) * row_bytes;
        unsigned char *row = job->row != NULL ? job->row : place;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (job->row != NULL)
            inks_to_colours(job->row, jpeg->output_width, jpeg->saw_Adobe_marker, place);
    }
    if (job->damage != NULL)
        return FV_OK;
    if (jpeg->output_scanline == jpeg->output_height) {
        jpeg_finish_decompress(jpeg);
        return FV_OK;
    }
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    /* The rest matters only where the file may end too early: which samples are bad is not to depend on what is looked at. Skipping to the last
     * row reads all but that, skipping beyond it would read nothing. */
    if (!ends(bytes, job->size)) {
        unsigned char *row = job->row != NULL ? job->row : pixels + job->rows * row_bytes;
        if (jpeg->output_height - jpeg->output_scanline > 1)
            jpeg_skip_scanlines(jpeg, jpeg->output_height - jpeg->output_scanline - 1);
        jpeg_read_scanlines(jpeg, &row, 1);
    }
#else
    (void)bytes;
#endif
    return FV_OK;
}

/* Upright by Exif's eight cases: output (y, x) is input (y, x) mirrored along an axis where asked, with axes swapped from 5 on. */
static void turn(const uint8_t *in, int32_t h, int32_t w, int32_t channels, int orientation, uint8_t *out)
{
    const bool swapped = orientation >= 5;
    const bool mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flipped = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int32_t rows = swapped ? w : h, columns = swapped ? h : w;
    for (int32_t y = 0; y < rows; y++)
        for (int32_t x = 0; x < columns; x++, out += channels) {
            int32_t row = swapped ? x : y, column = swapped ? y : x;
            row = flipped ? h - 1 - row : row;
            column = mirrored ? w - 1 - column : column;
            memcpy(out, in + ((size_t)row * (size_t)w + (size_t)column) * (size_t)channels, (size_t)channels);
        }
}

static fv_status turn_upright(jpeg_job *job, fv_sample *sample)
{
    const size_t bytes = (size_t)sample->shape.h * (size_t)sample->shape.w * (size_t)sample->shape.c;
    const int32_t h = sample->shape.h, w = sample->shape.w;
    if (job->orientation == 1)
        return FV_OK;
    uint8_t *turned = fvi_allocate(job->context, bytes);
    if (turned == NULL)
        return fvi_out_of_memory(job->context, job->path, bytes);
    turn(sample->pixels, h, w, sample->shape.c, job->orientation, turned);
    fvi_release(job->context, job->scratch->pixels);
    job->scratch->pixels = turned;
    job->scratch->pixel_bytes = bytes;
    sample->pixels = turned;
    if (job->orientation >= 5) {
        sample->shape.h = w;
        sample->shape.w = h;
        const int32_t rows = sample->whole.h;
        sample->whole.h = sample->whole.w;
        sample->whole.w = rows;
    }
    return FV_OK;
}

static fv_status decode(jpeg_job *job, const unsigned char *bytes, fv_sample *sample)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    FV_TRY(read_header(job, bytes));
    FV_TRY(check_size(job));
    const size_t row = (size_t)jpeg->output_width; /* more than is decoded, perhaps; and a row to throw away */
    FV_TRY(fvi_scratch_reserve(job->scratch, job->path, row * (job->rows + 1) * (size_t)job->channels));
    if (jpeg->out_color_space == JCS_CMYK) {
        job->row = fvi_allocate(job->context, 4 * row);
        if (job->row == NULL)
            return fvi_out_of_memory(job->context, job->path, 4 * row);
    }
    FV_TRY(read_rows(job, bytes, job->scratch->pixels));
    if (job->damage != NULL)
        return fvi_fail(job->context, FV_ERR_FORMAT, "image '%s' is %s: its pixels end at row %u of %u", job->path,
                        job->damage, jpeg->output_scanline, jpeg->output_height);
    *sample = (fv_sample){
        .shape = { job->channels, (int32_t)job->rows, (int32_t)jpeg->output_width },
        .order = FV_NHWC,
        .pixels = job->scratch->pixels,
        .whole = { job->channels, (int32_t)jpeg->image_height, (int32_t)jpeg->image_width },
    };
    job->scratch->part.top = (int32_t)job->top;
    job->scratch->part.left = (int32_t)job->left;
    return turn_upright(job, sample);
}

fv_status fvi_jpeg_decode(fvi_scratch *scratch, const char *path, const unsigned char *bytes, size_t size,
                          int32_t shorter, fv_sample *sample)
{
    jpeg_job *job = fvi_allocate_zeroed(scratch->context, 1, sizeof *job);
    if (job == NULL)
        return fvi_out_of_memory(scratch->context, path, sizeof *job);
    job->context = scratch->context;
    job->path = path;
    job->size = size;
    job->shorter = shorter;
    job->scratch = scratch;
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->errors.error_exit = leave;
    job->errors.emit_message = note;
    job->errors.output_message = print_nothing;
    const fv_status status = decode(job, bytes, sample);
    jpeg_destroy_decompress(&job->jpeg); /* legal on one that was never created: its memory manager is NULL */
    fvi_release(scratch->context, job->row);
    fvi_release(scratch->context, job);
    return status;
}

#else

fv_status fvi_jpeg_decode(fvi_scratch *scratch, const char *path, const unsigned char *bytes, size_t size,
                          int32_t shorter, fv_sample *sample)
{
    (void)bytes;
    (void)size;
    (void)shorter;
    (void)sample;
    return fvi_fail(scratch->context, FV_ERR_UNSUPPORTED,
                    "image '%s' is JPEG, and this build of fovea has no libjpeg; convert it to PNG, PGM or PPM", path);
}

#endif
