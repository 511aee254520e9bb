#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# soak.sh - the kill test: a small run with dropout, batch normalisation, momentum and distortions is killed (kill -9) at random moments
# and gone on with each time, with another number of threads; in the end its weights, its model and its log must be those of the
# run that nobody killed. $KILLS: how often (200); $FOVEA: the command.
set -eu
kills=${KILLS:-200}
case $FOVEA in /*) ;; *) FOVEA=$PWD/$FOVEA ;; esac
work=$(mktemp -d)
process=
trap '[ -z "$process" ] || kill -9 "$process" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat >network.yaml <<'Y'
input: [1, 28, 28]
layers:
  - conv2d: {filters: 4, kernel: 5, stride: 2}
  - batch_norm
  - relu
  - dense: {units: 20}
  - dropout: {drop: 0.3}
  - dense: {units: 10}
Y
options="--epochs 4 --batch 50 --set data.fraction=0.25 --shift 2 --seed 3 --warmup 0.5 --checkpoint-steps 10 --keep-checkpoints 3"

# Times differ; nothing else may.
log_of() {
    sed -E 's/"(images_per_second|seconds)":[^,]*,//g' "$1/log.jsonl"
}

start() { # begins or goes on
    threads=$((killed % 4 + 1))
    if [ -e run/config.yaml ]; then
        "$FOVEA" train --resume run --threads $threads --json >>out 2>>err &
    else
        # shellcheck disable=SC2086 # words are meant
        "$FOVEA" train network.yaml --data mnist-12k --out run $options --threads $threads --json >>out 2>>err &
    fi
    process=$!
}

compare() {
    if ! cmp -s whole/model.safetensors run/model.safetensors || ! log_of run | cmp -s - whole.log ||
        ! "$FOVEA" verify run >verified; then
        echo "after $killed kills the run differs from the one that nobody killed"
        log_of run | diff whole.log - || true
        tail -n 5 err
        exit 1
    fi
    runs=$((runs + 1))
    rm -rf run
}

begun=$(date +%s%3N)
# shellcheck disable=SC2086
"$FOVEA" train network.yaml --data mnist-12k --out whole $options --json >out 2>err || { cat err; exit 1; }
log_of whole >whole.log
# A kill comes at any moment of as long as the whole run took, of 1.3 seconds at least: a busy machine gets on too.
window=$(($(date +%s%3N) - begun))
[ $window -ge 1300 ] || window=1300
killed=0
runs=0
while [ $killed -lt "$kills" ]; do
    start
    # What is over by then has finished.
    sleep "$(od -An -N2 -tu2 /dev/urandom | awk -v window=$window '{ printf "%.3f", $1 / 65536 * window / 1000 }')"
    if kill -9 $process 2>/dev/null; then
        wait $process 2>/dev/null && status=0 || status=$?
    else
        wait $process && status=0 || status=$?
    fi
    process=
    case $status in
    137) killed=$((killed + 1)) ;;
    0) compare ;;
    *)
        echo "status $status after $killed kills"
        tail -n 5 err
        exit 1
        ;;
    esac
done
while [ -e run/config.yaml ]; do
    start
    wait $process || { tail -n 5 err; exit 1; }
    process=
    compare
done
echo "killed $killed times in $runs runs, each with the weights, the model and the log of the run that nobody killed"
