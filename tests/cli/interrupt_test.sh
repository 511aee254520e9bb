#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# interrupt_test.sh - SIGINT and SIGTERM while training: the step is finished, the run saved and readable, the status the
# shell's for that signal. A RUN folder keeps nothing half-written. SIGUSR1 saves and goes on.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# check SIGNAL STATUS
check() {
    rm -rf run
    "$FOVEA" train lenet5 --data mnist-12k --out run --epochs 1000 > out 2> err &
    process=$!
    # The first epoch line says that training runs, whatever the machine's speed.
    for _ in $(seq 600); do
        [ ! -s run/log.jsonl ] || break
        sleep 0.1
    done
    ls run/checkpoints > before
    kill -USR1 $process
    for _ in $(seq 600); do
        ls run/checkpoints | cmp -s - before || break
        sleep 0.1
    done
    kill -"$1" $process
    status=0
    wait $process || status=$?
    if [ $status -ne "$2" ]; then
        echo "SIG$1: status $status instead of $2"
        cat out err
        exit 1
    fi
    grep -q 'stopped on request' err
    "$FOVEA" eval run/model.safetensors --data mnist-12k --json > measured
    [ "$(ls run | sed 's/[0-9]\{10\}/N/')" = "$(printf 'checkpoints\nconfig.yaml\nevents.out.tfevents.N.fovea\nlog.jsonl\nmodel.safetensors')" ]
    "$FOVEA" verify run > verified
    grep -q 'checkpoint of lenet5 after [0-9]* steps' verified
}

check INT 130
check TERM 143
echo interrupted, saved, read again
