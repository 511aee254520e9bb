#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# vanishing_test.sh - the folder of images, or that of the run, goes away while a run is at it: status 1 and a message with the path; once the images
# are back the run goes on from its last checkpoint and ends as the one that was not disturbed.
set -eu
work=$(mktemp -d)
process=
trap '[ -z "$process" ] || kill -9 "$process" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir -p set/a set/b
for i in $(seq 100 199); do
    printf 'P5 4 4 255\nabcdefghijkl%s ' "$i" >"set/a/$i.pgm"
    printf 'P5 4 4 255\n%s mnopqrstuvwx' "$i" >"set/b/$i.pgm"
done
printf 'input: [1, 4, 4]\nlayers:\n  - dropout: {drop: 0.2}\n  - dense: {units: 2}\n' >net.yaml
options='--batch 20 --checkpoint-minutes 0 --threads 2 --schedule constant'

# start OUT: in the background and without an end of its own, until its first epoch is over
start() {
    # shellcheck disable=SC2086 # words are meant
    "$FOVEA" train net.yaml --data set --out "$1" --epochs 100000 $options >out 2>err &
    process=$!
    for _ in $(seq 600); do
        [ ! -s "$1/log.jsonl" ] || return 0
        sleep 0.1
    done
}

# finish STATUS WORDS
finish() {
    status=0
    wait "$process" || status=$?
    process=
    if [ $status -ne "$1" ] || ! grep -q "$2" err; then
        echo "status $status instead of $1, or without '$2':"
        cat err
        exit 1
    fi
}

# compare OUT: it is whole, goes on for two epochs more, and then is what it would have been
compare() {
    epochs=$(($(wc -l <"$1/log.jsonl") + 2))
    "$FOVEA" verify "$1" >verified
    "$FOVEA" train --resume "$1" --epochs $epochs >out 2>err || { cat err; exit 1; }
    rm -rf whole
    # shellcheck disable=SC2086
    "$FOVEA" train net.yaml --data set --out whole --epochs $epochs $options >out 2>err || { cat err; exit 1; }
    cmp whole/model.safetensors "$1/model.safetensors"
}

start run
mv set away
finish 1 "set/[ab]/[0-9]*.pgm' cannot be opened: No such file or directory"
grep -q 'to go on: fovea train --resume run' err
mv away set
compare run
start gone
mv gone elsewhere
finish 1 "gone/"
compare elsewhere
echo what vanished is named, and nothing is lost
