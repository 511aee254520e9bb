#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads run folders with the real TensorBoard: test-tensorboard.py FOLDER RUN...

First by its EventAccumulator, then by a server that is started on FOLDER and asked over HTTP. The runs were the same but for where they stopped: what
they tell must be the same, too. Prints what was seen; anything that is missing, twice or different ends it with a message."""
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

EVERYTHING = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "compressedHistograms": 1}
RATES = ("speed/",)


def check(right, what):
    if not right:
        sys.exit("test-tensorboard: " + what)


def records(folder):
    with open(os.path.join(folder, "log.jsonl"), encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def steps_once(name, tag, events):
    steps = [event.step for event in events]
    check(steps == sorted(set(steps)), f"{name}: '{tag}' has steps twice or out of order: {steps}")
    return steps


def accumulate(folder, name):
    """All that TensorBoard's own reader finds in one run."""
    log = records(os.path.join(folder, name))
    run = EventAccumulator(os.path.join(folder, name), size_guidance=EVERYTHING)
    run.Reload()
    tags = run.Tags()
    seen = {}
    for tag in tags["scalars"]:
        events = run.Scalars(tag)
        seen[tag] = (steps_once(name, tag, events), [event.value for event in events])
    for tag, key in (("loss/train", "train_loss"), ("accuracy/test", "test_accuracy"), ("loss/test", "test_loss"),
                     ("optimizer/gradient_norm_mean", "gradient_norm")):
        check(tag in seen, f"{name}: no scalar '{tag}'")
        check(len(seen[tag][1]) == len(log), f"{name}: '{tag}' has {len(seen[tag][1])} values for {len(log)} epochs")
        for value, record in zip(seen[tag][1], log):
            check(abs(value - record[key]) <= 1e-6 * abs(record[key]), f"{name}: '{tag}' is {value}, log.jsonl has {record[key]}")
    check(len(tags["histograms"]) > 0, f"{name}: no histograms")
    for tag in tags["histograms"]:
        events = run.Histograms(tag)
        check(len(steps_once(name, tag, events)) == len(log), f"{name}: '{tag}' is not there for each epoch")
        for event in events:
            value = event.histogram_value
            check(value.num > 0 and abs(sum(value.bucket) - value.num) == 0, f"{name}: '{tag}' does not add up")
            check(value.min <= value.sum / value.num <= value.max, f"{name}: the mean of '{tag}' lies outside")
        seen[tag] = ([e.step for e in events], [(e.histogram_value.sum, list(e.histogram_value.bucket)) for e in events])
    for tag in tags["images"]:
        events = run.Images(tag)
        steps_once(name, tag, events)
        check(all(event.encoded_image_string.startswith(b"\x89PNG") for event in events), f"{name}: '{tag}' is no PNG")
        seen[tag] = ([e.step for e in events], [e.encoded_image_string for e in events])
    print(f"{name}: EventAccumulator reads {len(tags['scalars'])} scalars, {len(tags['histograms'])} histograms, "
          f"{len(tags['images'])} images; last step {max(steps[-1] for steps, _ in seen.values())}")
    for tag in sorted(tags["scalars"]):
        print(f"  {tag}: {len(seen[tag][0])} steps, {seen[tag][1][0]:.6g} to {seen[tag][1][-1]:.6g}")
    for tag in tags["images"]:
        print(f"  {tag}: {len(seen[tag][0])} images, {run.Images(tag)[0].width}x{run.Images(tag)[0].height}")
    return seen


def ask(port, path, **query):
    address = f"http://127.0.0.1:{port}/data/{path}"
    if query:
        address += "?" + urllib.parse.urlencode(query)
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read()


def serve(folder, names, seen):
    """Starts the server, and asks what its pages ask."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1", "--port", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        runs = []
        for _ in range(120):
            try:
                runs = sorted(json.loads(ask(port, "runs")))
                if runs == sorted(names) and len(json.loads(ask(port, "plugin/histograms/tags"))) == len(names):
                    break
            except OSError:
                pass
            time.sleep(0.5)
        check(runs == sorted(names), f"the server knows the runs {runs}, not {sorted(names)}")
        for name in names:
            scalars = json.loads(ask(port, "plugin/scalars/tags"))[name]
            histograms = json.loads(ask(port, "plugin/histograms/tags"))[name]
            images = json.loads(ask(port, "plugin/images/tags"))[name]
            for tag in scalars:
                told = json.loads(ask(port, "plugin/scalars/scalars", run=name, tag=tag))
                check([row[1] for row in told] == seen[name][tag][0], f"server: {name}, '{tag}': steps {[row[1] for row in told]}")
                check(all(abs(row[2] - value) <= 1e-6 * abs(value) for row, value in zip(told, seen[name][tag][1])), f"server: {name}, '{tag}' differs")
            tag = "values/conv1.weight"
            told = json.loads(ask(port, "plugin/histograms/histograms", run=name, tag=tag))
            check(len(told) == len(seen[name][tag][0]) and all(len(row[2]) > 1 for row in told), f"server: '{tag}'")
            for tag in images:
                told = json.loads(ask(port, "plugin/images/images", run=name, tag=tag, sample=0))
                picture = ask(port, "plugin/images/individualImage?" + told[-1]["query"])
                check(picture == seen[name][tag][1][-1], f"server: the image '{tag}' is another one")
            print(f"server: {name}: {len(scalars)} scalars, {len(histograms)} histograms, {len(images)} images")
    finally:
        server.terminate()
        server.wait()


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    seen = {name: accumulate(folder, name) for name in names}
    for name in names[1:]:
        check(seen[name].keys() == seen[names[0]].keys(), f"{name} has other tags than {names[0]}")
        for tag, (steps, values) in seen[names[0]].items():
            check(seen[name][tag][0] == steps, f"'{tag}': {name} has steps {seen[name][tag][0]}, {names[0]} has {steps}")
            check(tag.startswith(RATES) or seen[name][tag][1] == values, f"'{tag}': {name} has other values than {names[0]}")
        print(f"{name} tells what {names[0]} tells, step by step")
    serve(folder, names, seen)
    print("TensorBoard shows all of it")


main()
