/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch.c - the way of one sample. Images in memory that are only cropped, shifted or mirrored go from bytes to floats in one
 * pass; everything else through a fetcher's buffers.
 */
#include "data/fetch.h"

#include <string.h>

#include "data/dataset_internal.h"

int64_t fvi_recipe_index(const fvi_recipe *recipe, int64_t number)
{
    return recipe->drawn != NULL ? recipe->drawn[number] : number;
}

static fv_augment_key key_of(const fvi_recipe *recipe, int64_t epoch, int64_t number)
{
    return (fv_augment_key){ .seed = recipe->options.seed,
                             .epoch = (uint64_t)epoch,
                             .sample = (uint64_t)number,
                             .rows = recipe->options.preprocess.input.h,
                             .columns = recipe->options.preprocess.input.w };
}

void fvi_recipe_fill(fvi_recipe *recipe, const fv_dataset *dataset, const fv_loader_options *options)
{
    const fv_image_shape input = options->preprocess.input, source = fv_dataset_shape(dataset);
    const int32_t shorter = source.h < source.w ? source.h : source.w;
    *recipe = (fvi_recipe){ .dataset = dataset, .options = *options };
    recipe->list = options->augmentation != NULL ? options->augmentation : options->preprocess.transforms;
    recipe->resize = fvi_preprocess_resize(&options->preprocess, recipe->list);
    recipe->elements = (size_t)input.h * (size_t)input.w * (size_t)input.c;
    recipe->direct = fv_dataset_count(dataset) > 0 && fv_dataset_image(dataset, 0) != NULL &&
                     (recipe->resize == 0 || recipe->resize == shorter) && fvi_preprocess_only_places(recipe->list);
    fvi_pixel_table_fill(&recipe->table, &options->preprocess);
}

static fvi_placement place_sample(const fvi_recipe *recipe, fv_image_shape source, int64_t epoch, int64_t number)
{
    const fv_augment *augment = &recipe->options.augment;
    const fv_image_shape input = recipe->options.preprocess.input;
    if (recipe->list != NULL) {
        const fv_augment_key key = key_of(recipe, epoch, number);
        return fvi_augmentation_place(recipe->list, &key, source, input);
    }
    fvi_placement placement = fvi_placement_centred(source, input);
    const fvi_random random =
        fvi_random_start(recipe->options.seed, FVI_PURPOSE_AUGMENT, (uint64_t)epoch << 32 | (uint32_t)number);
    if (augment->random_crop)
        fvi_augment_random_crop(&placement, source, input, random);
    if (augment->shift > 0)
        fvi_augment_shift(&placement, augment->shift, random);
    if (augment->flip)
        fvi_augment_flip(&placement, random);
    return placement;
}

void fvi_fetch_direct(const fvi_recipe *recipe, int64_t epoch, int64_t number, float *out)
{
    const fv_image_shape source = fv_dataset_shape(recipe->dataset);
    fvi_preprocess_place(&recipe->table, fv_dataset_image(recipe->dataset, fvi_recipe_index(recipe, number)), FV_NCHW,
                         source, recipe->options.preprocess.input, place_sample(recipe, source, epoch, number), out);
}

fv_status fvi_fetcher_open(fvi_fetcher *fetcher, fv_context *context, const fv_dataset *dataset)
{
    *fetcher = (fvi_fetcher){ .context = NULL };
    if (fvi_context_create_beside(&fetcher->context, context) != FV_OK)
        return fvi_out_of_memory(context, "a loader's worker", 0);
    if (fv_reader_create(&fetcher->reader, fetcher->context, dataset) != FV_OK) {
        fvi_fetcher_close(fetcher);
        return fvi_out_of_memory(context, "a loader's worker", 0);
    }
    return FV_OK;
}

void fvi_fetcher_close(fvi_fetcher *fetcher)
{
    if (fetcher->context == NULL)
        return;
    fv_reader_destroy(fetcher->reader);
    fvi_resampler_release(fetcher->context, &fetcher->resampler);
    fvi_augment_room_release(&fetcher->room, fetcher->context);
    fv_context_destroy(fetcher->context);
    *fetcher = (fvi_fetcher){ .context = NULL };
}

const char *fvi_fetcher_message(const fvi_fetcher *fetcher)
{
    return fv_context_message(fetcher->context);
}

/* Numbers, in the order channel, row, column of the input, and normalised. That they are as many was found when the loader was made. */
static void place_values(const fv_preprocess *preprocess, const fv_sample *sample, float *out)
{
    const size_t plane = (size_t)preprocess->input.h * (size_t)preprocess->input.w;
    const size_t channels = (size_t)preprocess->input.c;
    for (size_t c = 0; c < channels; c++) {
        const double deviation = preprocess->deviation[c] != 0 ? preprocess->deviation[c] : 1.0;
        for (size_t p = 0; p < plane; p++)
            out[p * channels + c] = (float)(((double)sample->values[c * plane + p] - preprocess->mean[c]) / deviation);
    }
}

fv_status fvi_fetch(fvi_fetcher *fetcher, const fvi_recipe *recipe, int64_t epoch, int64_t number, float *out)
{
    const int64_t index = fvi_recipe_index(recipe, number);
    const fv_preprocess *preprocess = &recipe->options.preprocess;
    const fv_augment_key key = key_of(recipe, epoch, number);
    fv_context *context = fetcher->context;
    fvi_list_wish of;
    const fvi_wish *wish = fvi_list_wish_fill(&of, preprocess, recipe->list, &key);
    const int32_t shorter = preprocess->decode_whole ? 0 : recipe->resize;
    fv_sample sample;
    fetcher->room.part = (fvi_part){ .eighths = 0 };
    const fv_status status = wish != NULL
                                 ? fvi_reader_read_part(fetcher->reader, index, wish, &sample, &fetcher->room.part)
                                 : fv_reader_read(fetcher->reader, index, shorter, &sample);
    fetcher->room.whole = sample.whole;
    if (status != FV_OK)
        return fvi_fail(context, status, "%s", fv_reader_message(fetcher->reader));
    if (sample.values != NULL) {
        place_values(preprocess, &sample, out);
        return FV_OK;
    }
    FV_TRY(fvi_preprocess_check_sample(context, preprocess, recipe->dataset, index, &sample));
    if (recipe->resize > 0)
        FV_TRY(fvi_resize_sample(context, &fetcher->resampler, recipe->resize, &sample));
    if (!fvi_preprocess_only_places(recipe->list))
        return fvi_preprocess_transform(context, preprocess, recipe->list, &key, &fetcher->room, &sample, out);
    fvi_preprocess_place(&recipe->table, sample.pixels, sample.order, sample.shape, preprocess->input,
                         place_sample(recipe, sample.shape, epoch, number), out);
    return FV_OK;
}
