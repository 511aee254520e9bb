# SPDX-License-Identifier: Apache-2.0
"""Convolutions in fovea beside PyTorch's (oneDNN), pass by pass, in turn on one machine.

Each round runs `fovea bench --problem`, then PyTorch in both memory formats, then oneDNN's benchdnn if given. Printed for
each pass: the median over the rounds of fovea's share of the machine's peak, and of the ratio of times to PyTorch's better
format and to benchdnn (its average; weights and images in the layouts that it prefers, converting them not counted).

    python3 bench/peers/compare_conv.py --fovea build/release/fovea [--threads 2] [--rounds 7] [--seconds 0.3]
        [--benchdnn PATH] [PROBLEM...]
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

PASSES = ["forward", "backward_data", "backward_weights"]
FORMATS = ["plain", "channels-last"]
DIRECTIONS = {"FWD_B": "forward", "BWD_D": "backward_data", "BWD_WB": "backward_weights"}  # benchdnn's names
PROBLEMS = ["n16c64h56k64r3p1", "n16c128h28k128r3p1", "n16c256h14k256r3p1", "n16c1024h14k256r1", "n16c256h56k64r1",
            "n16c3h224k64r7u2p3", "n16c3h227k96r11u4"]


def parse(problem):
    """The numbers of a problem string, with the defaults that fovea gives them."""
    given = {letter: int(number) for letter, number in re.findall(r"([a-z])(\d+)", problem)}
    return {"n": 1, "w": given["h"], "s": given["r"], "u": 1, "p": 0, "d": 1, "g": 1, **given}


def serve(problem, threads, seconds):
    """The worker: reads "FORMAT PASS" lines, answers milliseconds for one call."""
    import torch
    torch.set_num_threads(threads)
    q = parse(problem)
    stride, pad, dilation = [q["u"]] * 2, [q["p"]] * 2, [q["d"]] * 2
    calls = {}
    for name, memory in zip(FORMATS, (torch.contiguous_format, torch.channels_last)):
        x = torch.randn(q["n"], q["c"], q["h"], q["w"]).to(memory_format=memory)
        w = torch.randn(q["k"], q["c"] // q["g"], q["r"], q["s"]).to(memory_format=memory)
        b = torch.randn(q["k"])
        dy = torch.randn_like(torch.nn.functional.conv2d(x, w, b, stride, pad, dilation, q["g"]))

        def backward(mask, x=x, w=w, dy=dy):
            return torch.ops.aten.convolution_backward(dy, x, w, [q["k"]], stride, pad, dilation, False, [0, 0], q["g"],
                                                       mask)
        calls[name, "forward"] = lambda x=x, w=w, b=b: torch.nn.functional.conv2d(x, w, b, stride, pad, dilation, q["g"])
        calls[name, "backward_data"] = lambda backward=backward: backward([True, False, False])
        calls[name, "backward_weights"] = lambda backward=backward: backward([False, True, True])
    with torch.inference_mode():
        for line in sys.stdin:
            call = calls[tuple(line.split())]
            call()
            times, end = [], time.perf_counter() + seconds
            while len(times) < 3 or time.perf_counter() < end:
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
            print(1e3 * statistics.median(times), flush=True)


def benchdnn(arguments, problem):
    """Milliseconds of each pass."""
    q = parse(problem)
    descriptor = (f"g{q['g']}mb{q['n']}ic{q['c']}ih{q['h']}iw{q['w']}oc{q['k']}kh{q['r']}kw{q['s']}"
                  f"sh{q['u']}sw{q['u']}dh{q['d'] - 1}dw{q['d'] - 1}ph{q['p']}pw{q['p']}")
    command = [arguments.benchdnn, "--conv", "--mode=p", f"--max-ms-per-prb={round(1e3 * arguments.seconds)}",
               "--perf-template=time,%dir%,%0time%", "--dir=" + ",".join(DIRECTIONS), descriptor]
    output = subprocess.run(command, check=True, capture_output=True, text=True,
                            env={**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}).stdout
    rows = [line.split(",") for line in output.splitlines() if line.startswith("time,")]
    return {DIRECTIONS[direction]: float(ms) for _, direction, ms in rows}


def summary(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def compare(arguments, problem):
    worker = subprocess.Popen([sys.executable, __file__, "--serve", problem, "--threads", str(arguments.threads),
                               "--seconds", str(arguments.seconds)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def theirs(name, one_pass):
        worker.stdin.write(f"{name} {one_pass}\n")
        worker.stdin.flush()
        return float(worker.stdout.readline())

    rows = {one_pass: {"share": [], "benchdnn": [], **{name: [] for name in FORMATS}} for one_pass in PASSES}
    for _ in range(arguments.rounds):
        command = [arguments.fovea, "bench", "--problem", "conv:" + problem, "--threads", str(arguments.threads),
                   "--seconds", str(arguments.seconds), "--json"]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        dnn = benchdnn(arguments, problem) if arguments.benchdnn else {}
        for layer in result["layers"]:
            row = rows[layer["pass"]]
            row["share"].append(layer["share_of_peak"])
            for name in FORMATS:
                row[name].append(theirs(name, layer["pass"]) / layer["ms"])
            if dnn:
                row["benchdnn"].append(dnn[layer["pass"]] / layer["ms"])
    worker.stdin.close()
    worker.wait()
    for one_pass, row in rows.items():
        best = min(FORMATS, key=lambda name: statistics.median(row[name]))
        beside = f", {summary(row['benchdnn'])} benchdnn" if row["benchdnn"] else ""
        print(f"{problem:22} {one_pass:16} {100 * statistics.median(row['share']):5.1f}% of peak "
              f"({100 * min(row['share']):.0f} to {100 * max(row['share']):.0f}), times as fast as: {summary(row[best])} "
              f"PyTorch {best}{beside}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fovea", default="build/release/fovea")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--benchdnn", metavar="PATH", help="oneDNN's own benchmark, built beside its library")
    parser.add_argument("--serve", metavar="PROBLEM", help=argparse.SUPPRESS)
    parser.add_argument("problems", nargs="*", default=PROBLEMS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.threads, arguments.seconds)
        return
    for problem in arguments.problems:
        compare(arguments, problem)


main()
