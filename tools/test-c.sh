#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-c.sh MODEL - make test-c MODEL=FILE: C source of a model in float, int8 and fixed point, with its weights inside and as a blob: compiled by
# every compiler that is there, run on all test images of $DATA (mnist), for Cortex-M0 and M4 (size; the fixed-point source must call no floating-point
# routine; its self-test under qemu), for WebAssembly (its self-test by node). What is not installed is named and left out.
set -eu
cd "$(dirname "$0")/.."
fovea=$(pwd)/${BUILD:-build/release}/fovea
model=$(realpath "${1:?usage: test-c.sh MODEL}")
data=${DATA:-mnist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
strict='-std=c99 -Wall -Wextra -Wconversion -pedantic -Werror'

has() {
    command -v "$1" >/dev/null && return 0
    echo "left out: $1 is not installed"
    return 1
}

cat >main.c <<'END'
#include "net.h"
#include <stdio.h>
static net_value input[NET_INPUTS], output[NET_OUTPUTS];
int main(void)
{
    const int wrong = net_self_test(input, output);
    printf(wrong == 0 ? "self-test passed\n" : "self-test FAILED\n");
    return wrong != 0;
}
END

# run_arm CPU MACHINE FLAGS...: size, and the self-test in an emulator.
run_arm() {
    cpu=$1 machine=$2
    shift 2
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $strict -Os -mthumb "-mcpu=$cpu" "$@" -ffunction-sections -fdata-sections -c net.c
    echo "$cpu: $(arm-none-eabi-size net.o | awk 'NR == 2 { print $1 + $2 " bytes of flash, " $3 " of RAM" }')"
    has qemu-system-arm || return 0
    # shellcheck disable=SC2086
    arm-none-eabi-gcc -std=c99 -Os -mthumb "-mcpu=$cpu" "$@" --specs=rdimon.specs -T "$work/memory.ld" -nostartfiles "$work/start.c" main.c net.o -lm -o net.elf
    timeout 120 qemu-system-arm -M "$machine" -nographic -monitor none -semihosting -kernel net.elf </dev/null
}

# An mps2 board: 4 MiB of code at 0, 4 MiB of data at 0x20000000.
cat >memory.ld <<'END'
ENTRY(start)
MEMORY { code (rx) : ORIGIN = 0, LENGTH = 4M  data (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.init) *(.fini) } > code
    .ARM.exidx : { *(.ARM.exidx*) } > code
    .data : { __data_start = .; *(.data*) __data_end = .; } > data AT > code
    __data_load = LOADADDR(.data);
    .bss : { __bss_start__ = .; *(.bss*) *(COMMON) . = ALIGN(8); __bss_end__ = .; end = .; } > data
    __stack = ORIGIN(data) + LENGTH(data);
    __heap_limit = __stack - 64K;
}
END
cat >start.c <<'END'
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
extern char __data_start[], __data_end[], __data_load[], __bss_start__[], __bss_end__[], __stack[];
extern void initialise_monitor_handles(void);
int main(void);
void start(void)
{
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* lets the floating-point unit run */
#endif
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start__, 0, (size_t)(__bss_end__ - __bss_start__));
    initialise_monitor_handles();
    _Exit(main());
}
void _init(void) {}
void _fini(void) {}
__attribute__((section(".vectors"), used)) static const void *const vectors[] = { __stack, (void *)start };
END

for arithmetic in float int8 fixed; do
    echo "== $arithmetic"
    "$fovea" export "$model" --to c --arithmetic $arithmetic --data "$data" --out net
    for compiler in gcc clang; do
        has $compiler || continue
        # shellcheck disable=SC2086
        $compiler $strict -O2 -c net.c && $compiler -std=c99 main.c net.o -lm -o net && echo "$compiler: $(./net)"
    done
    if has arm-none-eabi-gcc; then
        run_arm cortex-m0 mps2-an385
        if [ $arithmetic = fixed ] && arm-none-eabi-nm net.o | grep -E ' U __aeabi_[fd]'; then
            echo 'FAILED: the fixed-point source calls floating-point routines'
            exit 1
        fi
        run_arm cortex-m4 mps2-an386 -mfpu=fpv4-sp-d16 -mfloat-abi=hard
    fi
    if has clang && has node && [ -d /usr/include/wasm32-wasi ]; then
        # shellcheck disable=SC2086
        clang $strict --target=wasm32-wasi -O2 -c net.c -o net.wasm.o
        clang --target=wasm32-wasi -std=c99 -O2 main.c net.wasm.o -o net.wasm
        echo "wasm: $(wc -c <net.wasm) bytes, $(node --no-warnings --input-type=module -e "
import { WASI } from 'node:wasi'; import { readFileSync } from 'node:fs';
const wasi = new WASI({ version: 'preview1' });
const module = await WebAssembly.compile(readFileSync('net.wasm'));
wasi.start(await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport }));" 2>&1 | tail -n 1)"
    fi
done
echo '== float, with a blob'
"$fovea" export "$model" --to c --blob --data "$data" --out net
