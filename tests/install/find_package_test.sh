#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What is installed can be used: a program is built against it with CMake (shared, static, from C++) and with pkg-config (shared,
# static), and the installed command finds its data. Skipped under sanitizers, whose runtime the program would lack.
set -eu
if ! grep -q '^FOVEA_SANITIZE:STRING=$' "$FOVEA_BUILD/CMakeCache.txt"; then
    echo "skipped: a program outside would lack the sanitizer's runtime"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$FOVEA_BUILD" --prefix "$folder/installed" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

mkdir "$folder/program"
cat >"$folder/program/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(program LANGUAGES C CXX)
find_package(fovea 0.1 REQUIRED)
add_executable(with_shared program.c)
target_link_libraries(with_shared PRIVATE fovea::fovea)
add_executable(with_static program.c)
target_link_libraries(with_static PRIVATE fovea::fovea_static)
configure_file(program.c program.cpp COPYONLY)
add_executable(from_cpp ${CMAKE_CURRENT_BINARY_DIR}/program.cpp)
target_link_libraries(from_cpp PRIVATE fovea::fovea)
END
cat >"$folder/program/program.c" <<'END'
#include <fovea/fovea.h>
#include <stdio.h>
int main(void)
{
    fv_context *context = NULL;
    if (fv_context_create(&context, NULL) != FV_OK)
        return 1;
    puts(fv_version());
    fv_context_destroy(context);
    return 0;
}
END
cmake -S "$folder/program" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/installed" >"$folder/log" 2>&1 &&
    cmake --build "$folder/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
version=$("$folder/build/with_shared")
[ "$("$folder/build/with_static")" = "$version" ]
[ "$("$folder/build/from_cpp")" = "$version" ]

export PKG_CONFIG_PATH="$folder/installed/lib/pkgconfig:$folder/installed/lib64/pkgconfig"
flags=$(pkg-config --define-prefix --cflags --libs fovea)
cc "$folder/program/program.c" -o "$folder/by_pkg_config" $flags
[ "$(LD_LIBRARY_PATH=$folder/installed/lib "$folder/by_pkg_config")" = "$version" ]
cc "$folder/program/program.c" -o "$folder/static" $(pkg-config --define-prefix --cflags fovea) \
    "$folder"/installed/lib*/libfovea.a $(pkg-config --static --libs fovea | sed 's/-lfovea//')
[ "$("$folder/static")" = "$version" ]
[ "$(pkg-config --modversion fovea)" = "$version" ]

# From another folder, without the source tree's help other than what was compiled in.
cd "$folder"
"$folder/installed/bin/fovea" info --json | grep -q "\"version\""
[ -s "$folder/installed/share/man/man1/fovea.1" ]
[ -s "$folder/installed/share/bash-completion/completions/fovea" ]
