# SPDX-License-Identifier: Apache-2.0
"""One peer at one work, timed on request: a long-lived process, so that compiling and warming up are paid once and runs can
alternate with another program's. Started by peers.py.

First line of its output: {"parameters": N, "warm_ms": of one warm step} or {"refused": why}. Then, for every line of input, one of
{"images_per_second": median over the steps that fitted into the time, "runs"}. At the end of input: {"import_bytes", "peak_bytes"},
what was resident once the framework was imported, and at most.

    worker.py PEER NETWORK train|inference BATCH THREADS SECONDS
"""
import json
import os
import statistics
import sys
import time


def resident(key):
    """VmRSS (now) or VmHWM (at most) of this process in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(key + ":"))


def prepare(peer, name, mode, batch, threads):
    """(a function that does one step, number of parameters, bytes resident after the imports)"""
    if peer == "onnxruntime":
        import peer_onnxruntime as module
    elif peer == "openvino":
        import peer_openvino as module
    else:
        import peer_pytorch as module
    imported = resident("VmRSS")
    return *module.prepare(peer, name, mode, batch, threads), imported


def timed(step, seconds):
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times), len(times)


def main():
    peer, name, mode, batch, threads, seconds = sys.argv[1:7]
    batch, seconds = int(batch), float(seconds)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    try:
        step, parameters, imported = prepare(peer, name, mode, batch, int(threads))
        step()
        warm, _ = timed(step, 0)
    except Exception as error:  # whatever a framework cannot do is what the row says
        answer(refused=f"{type(error).__name__}: {error}".splitlines()[0][:200])
        return
    answer(parameters=parameters, warm_ms=1e3 * warm)
    for _ in sys.stdin:
        if warm < seconds / 4:
            step()  # caches that the others emptied
        median, runs = timed(step, seconds)
        answer(images_per_second=batch / median, runs=runs)
    answer(import_bytes=imported, peak_bytes=resident("VmHWM"))


main()
