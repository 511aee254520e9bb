#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# setup.sh TIER - makes sure that what a tier needs is there: demo, test (and demo), ci (and both).
# Missing packages are installed through apt where this user may (root, or sudo without a password). Elsewhere the one
# line to type is printed and the status is 2. What is there is left alone, and then nothing is printed.
set -u

# tier, how to see that it is there, and the package for apt, dnf, pacman, brew ("-": nothing to install).
needs='
demo command:cc                gcc             gcc               gcc           -
demo header:stdio.h            libc6-dev       glibc-devel       glibc         -
demo command:cmake             cmake           cmake             cmake         cmake
demo command:ninja             ninja-build     ninja-build       ninja         ninja
demo command:pkg-config        pkg-config      pkgconf-pkg-config pkgconf      pkgconf
demo library:jansson           libjansson-dev  jansson-devel     jansson       jansson
demo library:zlib              zlib1g-dev      zlib-devel        zlib          zlib
demo library:libpng            libpng-dev      libpng-devel      libpng        libpng
demo library:libjpeg           libjpeg-dev     libjpeg-turbo-devel libjpeg-turbo jpeg-turbo
demo library:libarchive        libarchive-dev  libarchive-devel  libarchive    libarchive
demo library:libcurl           libcurl4-openssl-dev libcurl-devel curl         curl
test library:cmocka            libcmocka-dev   libcmocka-devel   cmocka        cmocka
ci   file:/usr/share/i18n/locales/de_DE locales glibc-locale-source - -
ci   library:yaml-0.1          libyaml-dev     libyaml-devel     libyaml       libyaml
ci   library:libexif           libexif-dev     libexif-devel     libexif       libexif
ci   library:libprotobuf-c     libprotobuf-c-dev protobuf-c-devel protobuf-c   protobuf-c
ci   command:protoc-c          protobuf-c-compiler protobuf-c-compiler protobuf-c protobuf-c
ci   file:/usr/include/onnx/onnx.proto libonnx-dev onnx-devel   onnx          -
ci   library:libxxhash         libxxhash-dev   xxhash-devel      xxhash        xxhash
ci   command:g++               g++             gcc-c++           gcc           -
ci   command:doxygen           doxygen         doxygen           doxygen       doxygen
ci   command:clang             clang           clang             clang         -
ci   command:clang-format-14   clang-format-14 clang-tools-extra clang         clang-format
ci   command:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc -
ci   command:qemu-aarch64      qemu-user       qemu-user         qemu-user     -
ci   file:/usr/lib/aarch64-linux-gnu/pkgconfig/jansson.pc libjansson-dev:arm64 - - -
ci   file:/usr/lib/aarch64-linux-gnu/pkgconfig/cmocka.pc  libcmocka-dev:arm64  - - -
'

tier=${1:-demo}
case $tier in
demo) tiers=' demo ' ;;
test) tiers=' demo test ' ;;
ci) tiers=' demo test ci ' ;;
*)
    echo "setup.sh: no tier '$tier'; there are demo, test and ci" >&2
    exit 2
    ;;
esac

is_there() {
    case $1 in
    command:*) command -v "${1#command:}" >/dev/null 2>&1 ;;
    library:*) pkg-config --exists "${1#library:}" 2>/dev/null ;;
    header:*) printf '#include <%s>\n' "${1#header:}" | cc -E -xc - >/dev/null 2>&1 ;;
    file:*) [ -e "${1#file:}" ] ;;
    esac
}

# The packages that are missing, in column $1 of the table (3 apt, 4 dnf, 5 pacman, 6 brew).
missing() {
    column=$1
    echo "$needs" | while read -r of probe apt dnf pacman brew; do
        case $tiers in *" ${of:--} "*) ;; *) continue ;; esac
        is_there "$probe" && continue
        case $column in 3) package=$apt ;; 4) package=$dnf ;; 5) package=$pacman ;; *) package=$brew ;; esac
        [ "$package" = - ] || printf ' %s' "$package"
    done
}

packages=$(missing 3)
[ -z "$packages" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if [ "$as_root" != no ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: installing$packages"
    case $packages in *:arm64*) $as_root dpkg --add-architecture arm64 ;; esac
    log=$(mktemp)
    if ! { $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
    fi
    rm -f "$log"
    packages=$(missing 3)
    [ -z "$packages" ] && exit 0
    echo "setup.sh: still missing:$packages" >&2
fi

{
    echo "fovea needs some packages first. Type the line for your system, then try again:"
    echo "  Debian, Ubuntu:  sudo apt-get install$packages"
    echo "  Fedora:          sudo dnf install$(missing 4)"
    echo "  Arch:            sudo pacman -S$(missing 5)"
    echo "  macOS:           brew install$(missing 6)"
} >&2
exit 2
