# SPDX-License-Identifier: Apache-2.0
"""fovea beside PyTorch: the same networks, batch and threads, in turn on one machine.

Each round runs fovea, then every PyTorch variant, for the same short time; what counts is the ratio of the medians over
the rounds and how far the rounds spread. Needs PyTorch in the Python that runs this; fovea needs nothing.

    python3 bench/peers/compare.py --fovea build/release/fovea [--batch 64] [--threads 2] [--rounds 7] [--seconds 1] [NETWORK...]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

VARIANTS = ["plain", "channels-last", "compile"]


def fovea_round(arguments, name):
    """(train, inference) images per second of one short run of `fovea bench`."""
    command = [arguments.fovea, "bench", name, "--batch", str(arguments.batch), "--threads", str(arguments.threads),
               "--seconds", str(arguments.seconds), "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {kind: result[kind]["images_per_second"] for kind in ("train", "inference")}


class Worker:
    def __init__(self, arguments, name, variant):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_worker.py")
        self.process = subprocess.Popen(
            [sys.executable, script, name, variant, str(arguments.batch), str(arguments.threads), str(arguments.seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def run(self, kind):
        self.process.stdin.write(kind + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def spread(values):
    return f"{statistics.median(values):10.0f} ({min(values):.0f} to {max(values):.0f})"


def compare(arguments, name):
    workers = {variant: Worker(arguments, name, variant) for variant in VARIANTS}
    kinds = ("train", "inference")
    for worker in workers.values():  # warm-up, compilation
        for kind in kinds:
            worker.run(kind)
    rows = {kind: {who: [] for who in ["fovea"] + VARIANTS} for kind in kinds}
    for _ in range(arguments.rounds):
        ours = fovea_round(arguments, name)
        for kind in kinds:
            rows[kind]["fovea"].append(ours[kind])
            for variant, worker in workers.items():
                rows[kind][variant].append(worker.run(kind))
    for worker in workers.values():
        worker.close()
    for kind in kinds:
        best = max(VARIANTS, key=lambda variant: statistics.median(rows[kind][variant]))
        ratios = [ours / theirs for ours, theirs in zip(rows[kind]["fovea"], rows[kind][best])]
        print(f"{name} {kind}, batch {arguments.batch}, {arguments.threads} threads, images/s: median (min to max)")
        for who, values in rows[kind].items():
            print(f"  {who:14} {spread(values)}")
        print(f"  fovea / {best}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fovea", default="build/release/fovea")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("networks", nargs="*", default=["lenet5", "convnetjs-mnist", "convnetjs-cifar10"])
    arguments = parser.parse_args()
    for name in arguments.networks:
        compare(arguments, name)


main()
