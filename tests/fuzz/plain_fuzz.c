/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_fuzz.c - the reader of plain YAML that builds without libyaml have.
 */
#include "interchange/tree.h"

#include <stdlib.h>

#include "fuzz.h"

/* Every item is in its place. */
static void walk(const fvi_item *item, int depth)
{
    int32_t count = 0;
    if (depth > FVI_TREE_DEPTH)
        abort();
    for (const fvi_item *child = item->first; child != NULL; child = child->next, count++) {
        if (child->parent != item || child->index != count || (child->type == FVI_ITEM_TEXT && child->text == NULL))
            abort();
        walk(child, depth + 1);
    }
    if (count != item->count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_modest_context(size);
    fvi_tree tree;
    if (fvi_tree_start(&tree, context, "plain") != FV_OK)
        abort();
    const fv_status status = fvi_tree_read_plain(&tree, bytes, size);
    fuzz_check(context, status, status == FV_OK ? tree.root : NULL);
    if (status == FV_OK)
        walk(tree.root, 0);
    fvi_tree_release(&tree);
    fv_context_destroy(context);
    return 0;
}
