#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# keys_test.sh - the tables of docs/experiments.md are what `fovea help --keys` prints. keys_test.sh --update writes them into it.
#   $FOVEA: the command
set -eu
here=$(cd "$(dirname "$0")" && pwd)
page=$here/../../docs/experiments.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$FOVEA" help --keys > "$work/wanted"
if [ "${1:-}" = --update ]; then
    sed '/^<!-- keys: /q' "$page" > "$work/page"
    cat "$work/wanted" >> "$work/page"
    sed -n '/^<!-- end of keys -->/,$p' "$page" >> "$work/page"
    cp "$work/page" "$page"
    exit 0
fi
sed -n '/^<!-- keys: /,/^<!-- end of keys -->/p' "$page" | sed '1d;$d' > "$work/there"
diff -u "$work/there" "$work/wanted" || { echo "docs/experiments.md differs: FOVEA=build/release/fovea tests/cli/keys_test.sh --update"; exit 1; }
