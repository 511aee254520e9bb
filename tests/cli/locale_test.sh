#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# locale_test.sh - every golden case of bad input again, for a user whose locale writes 0,5 for a half.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for locale in de_DE.UTF-8 de_DE.utf8 fr_FR.UTF-8; do
    LOCPATH=$FOVEA_BUILD/locales
    export LOCPATH
    [ -d "$LOCPATH/$locale" ] || { unset LOCPATH; locale -a 2>/dev/null | grep -qx "$locale" || continue; }
    [ "$(LC_ALL=$locale locale decimal_point 2>/dev/null)" = , ] || continue
    cases=$(cd "$here" && ls bad_*.sh ./*.exit | sed 's|^\./||; s|\.[a-z]*$||' | sort -u)
    echo "$locale: $(echo "$cases" | wc -l) cases"
    # shellcheck disable=SC2086 # names without blanks
    FOVEA_TEST_LOCALE=$locale exec sh "$here/golden_test.sh" $cases
done
echo 'skipped: no locale with a decimal comma here'
