/* SPDX-License-Identifier: Apache-2.0
 *
 * warn.c - what a list may do to the meaning of these data: a mirrored letter, a 6 upside down, "left" that points right.
 */
#include <string.h>

#include "data/augment/transform.h"

/* What the classes' names say about the data. */
typedef struct content {
    bool characters;  /* all are single letters or digits */
    bool directions;  /* some name has left or right */
    bool up_and_down; /* some name has up or down */
} content;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether word stands in name, with no letters beside it; case does not count. */
static bool has_word(const char *name, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = name; *at != '\0'; at++) {
        size_t same = 0;
        while (same < length && (at[same] | 0x20) == word[same])
            same++;
        if (same == length && (at == name || !is_letter(at[-1])) && !is_letter(at[length]))
            return true;
    }
    return false;
}

static content content_of(const fv_dataset *data)
{
    content found = { .characters = fv_dataset_classes(data) > 1 };
    for (int32_t i = 0; i < fv_dataset_classes(data); i++) {
        const char *name = fv_dataset_class_name(data, i);
        const bool is_digit = name != NULL && name[0] >= '0' && name[0] <= '9';
        found.characters = found.characters && name != NULL && (is_digit || is_letter(name[0])) && name[1] == '\0';
        if (name == NULL)
            continue;
        found.directions = found.directions || has_word(name, "left") || has_word(name, "right");
        found.up_and_down = found.up_and_down || has_word(name, "up") || has_word(name, "down");
    }
    return found;
}

static const char *danger(uint32_t meaning, content found)
{
    if (found.characters && (meaning & FVI_MIRRORS) != 0)
        return "mirrors them, and mirrored characters are others or none";
    if (found.characters && (meaning & (FVI_TURNS_HALF | FVI_UPSIDE_DOWN)) != 0)
        return "turns them upside down, where a 6 is a 9";
    if (found.characters && (meaning & FVI_TURNS_QUARTER) != 0)
        return "turns them on their side, where an N is a Z";
    if (found.directions && (meaning & (FVI_MIRRORS | FVI_TURNS_HALF)) != 0)
        return "exchanges left and right";
    if (found.up_and_down && (meaning & (FVI_UPSIDE_DOWN | FVI_TURNS_HALF)) != 0)
        return "exchanges up and down";
    return NULL;
}

int32_t fv_augmentation_warn(const fv_augmentation *augmentation, const fv_dataset *data)
{
    const content found = content_of(data);
    int32_t count = 0;
    for (int32_t i = 0; i < augmentation->count; i++) {
        const fvi_augment_place *place = &augmentation->place[i];
        const uint32_t meaning = place->transform->meaning != NULL ? place->transform->meaning(place->options) : 0;
        const char *text = danger(meaning, found);
        if (text != NULL) {
            fvi_log_message(augmentation->context, FV_LOG_WARNING,
                            "augmentation: %s, number %d of the list, may change what an image is: the classes of '%s' "
                            "are %s, and it %s",
                            place->transform->name, i + 1, fv_dataset_name(data),
                            found.characters ? "characters" : "places or directions", text);
            count++;
        }
    }
    return count;
}
