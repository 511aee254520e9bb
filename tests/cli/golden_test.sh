#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# golden_test.sh - runs every case tests/cli/NAME.sh and compares its output with NAME.stdout, NAME.stderr (a missing file: nothing)
# and NAME.exit (missing: 0). A case is a script that finds the command in $FOVEA (and as `fovea` in its PATH) and runs in an
# empty folder of its own. golden_test.sh --update [NAME...] writes what came out instead; read the difference before committing it.
# Cases that say "# needs: images" are left out of builds without zlib, libpng or libyaml, "# needs: archives" without libarchive, "# needs:
# downloads" without libcurl, "# needs: onnx" without ONNX.
#   $FOVEA: the command; $FOVEA_SOURCE: the source folder (both set by ctest)
set -u
here=$(cd "$(dirname "$0")" && pwd)
FOVEA_SOURCE=${FOVEA_SOURCE:-$(cd "$here/../.." && pwd)}
FOVEA=${FOVEA:-$FOVEA_SOURCE/build/release/fovea}
case $FOVEA in /*) ;; *) FOVEA=$PWD/$FOVEA ;; esac
export FOVEA FOVEA_SOURCE
unset FOVEA_ISA FOVEA_DATA FOVEA_MIRROR COLUMNS
LC_ALL=${FOVEA_TEST_LOCALE:-C}
export LC_ALL

update=false
if [ "${1:-}" = --update ]; then
    update=true
    shift
fi
if [ $# -eq 0 ]; then
    set -- $(cd "$here" && ls ./*.sh | sed 's|^\./||; s|\.sh$||' | grep -v '_test$')
fi
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/bin" && ln -s "$FOVEA" "$work/bin/fovea"
PATH=$work/bin:$PATH

# expect NAME KIND: compares or updates one stream.
expect() {
    if $update; then
        if [ -s "$work/$2" ]; then cp "$work/$2" "$here/$1.$2"; else rm -f "$here/$1.$2"; fi
        return
    fi
    [ -e "$here/$1.$2" ] && wanted=$here/$1.$2 || wanted=/dev/null
    if ! diff -u "$wanted" "$work/$2" > "$work/difference"; then
        echo "$1: $2 differs"
        cat "$work/difference"
        failed=$((failed + 1))
    fi
}

# The build's cache knows what was found; without one everything is expected to be there.
cache=${FOVEA_BUILD:-}/CMakeCache.txt
images=true
archives=true
downloads=true
onnx=true
if [ -e "$cache" ]; then
    for library in PNG ZLIB YAML; do
        grep -q "^${library}_FOUND:INTERNAL=1" "$cache" || images=false
    done
    grep -q '^ARCHIVE_FOUND:INTERNAL=1' "$cache" || archives=false
    grep -q '^CURL_FOUND:INTERNAL=1' "$cache" || downloads=false
    [ -e "$FOVEA_BUILD/onnx/onnx.pb-c.h" ] || onnx=false
    ! grep -q '^FOVEA_MINIMAL:BOOL=ON' "$cache" || { images=false; archives=false; downloads=false; onnx=false; }
fi

failed=0
skipped=0
for name; do
    if ! $images && grep -q '^# needs: images' "$here/$name.sh" ||
        ! $archives && grep -q '^# needs: archives' "$here/$name.sh" ||
        ! $downloads && grep -q '^# needs: downloads' "$here/$name.sh" ||
        ! $onnx && grep -q '^# needs: onnx' "$here/$name.sh"; then
        skipped=$((skipped + 1))
        continue
    fi
    rm -rf "$work/case"
    mkdir "$work/case"
    (cd "$work/case" && sh "$here/$name.sh") > "$work/raw_stdout" 2> "$work/raw_stderr" < /dev/null
    status=$?
    sed "s|$work/case|CASE|g" "$work/raw_stdout" > "$work/stdout"
    # A slow machine tells how far an epoch is, a fast one does not.
    sed -E "s|$work/case|CASE|g; /^epoch [0-9]+\/[0-9]+ +[0-9]+%  loss /d" "$work/raw_stderr" > "$work/stderr"
    : > "$work/exit"
    [ $status -eq 0 ] || echo $status > "$work/exit"
    expect "$name" stdout
    expect "$name" stderr
    expect "$name" exit
done
[ $skipped -eq 0 ] || echo "skipped: $skipped of $# cases, which need zlib, libpng, libyaml, libarchive, libcurl or ONNX"
echo "$# cases, $failed differences"
[ $failed -eq 0 ]
