#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs files of ONNX that tests/interchange/onnx_write_test.c wrote into a folder: test-onnx.py FOLDER [--table]

Each file: ONNX's checker with shape inference (strict), then ONNX Runtime on one image and on three, compared with fovea. The error of a
tensor is max|a - b| / max|b|. Reference plan: at most 1e-5. Fast plan: for a layer alone the same; for a network of the zoo the larger of 1e-5 and
the bound of its self-test, which is derived from its condition on one input (docs/numerics.md#self-test), doubled, since ONNX Runtime rounds
apart from the plan that the bound is for. A file with a self-test is run on that, too: the image is made here from the seed, by the text
of docs/formats.md.
--table prints a line of docs/onnx.md for each network.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

REFERENCE = 1e-5
IMAGES = 3
onnxruntime.set_default_logger_severity(3)


def philox(counter, key):
    """Philox4x32-10, Salmon et al. 2011."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def self_test_image(seed, preprocess):
    """The image of a seed, [1, c, h, w]."""
    c, h, w = preprocess["input"]
    count = c * h * w
    draws = []
    for i in range((count + 3) // 4):
        draws += philox((i, 0, 0, 0), (seed & 0xFFFFFFFF, seed >> 32))
    p = np.array([d >> 8 for d in draws[:count]], dtype=np.float64).reshape(h, w, c) / 2**24
    deviation = [d or 1 for d in preprocess["deviation"]]
    x = (p - preprocess["mean"]) / deviation
    return x.transpose(2, 0, 1)[None].astype(np.float32)


def error(got, wanted):
    scale = np.abs(wanted).max()
    return float(np.abs(got.astype(np.float64) - wanted).max() / (scale if scale > 0 else 1))


def load(folder, base, kind, shape):
    return np.fromfile(os.path.join(folder, f"{base}.{kind}"), dtype=np.float32).reshape(IMAGES, *shape)


def check_self_test(session, metadata, shape):
    test, preprocess = json.loads(metadata["fovea.self_test"]), json.loads(metadata["fovea.preprocess"])
    image = self_test_image(test["seed"], preprocess).reshape(1, *shape)
    got = session.run(None, {session.get_inputs()[0].name: image})[0]
    return error(got.reshape(-1), np.array(test["output"], dtype=np.float64))


def check(folder, line):
    file, base, opset, bound, what = line.rstrip("\n").split("\t")
    path = os.path.join(folder, file)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    entry, answer = session.get_inputs()[0], session.get_outputs()[0]
    if entry.shape[0] != "N" or answer.shape[0] != "N":
        raise ValueError(f"the batch is not open: {entry.shape}, {answer.shape}")
    x = load(folder, base, "input", entry.shape[1:])
    limit = max(2 * float(bound), REFERENCE)
    worst = {"reference": 0.0, "fast": 0.0}
    for n in (1, IMAGES):
        got = session.run(None, {entry.name: x[:n]})[0]
        for kind in worst:
            wanted = load(folder, base, kind, answer.shape[1:])[:n]
            worst[kind] = max(worst[kind], error(got, wanted))
    metadata = session.get_modelmeta().custom_metadata_map
    self_test = check_self_test(session, metadata, entry.shape[1:]) if "fovea.self_test" in metadata else 0.0
    bad = not (worst["reference"] <= REFERENCE and worst["fast"] <= limit and self_test <= limit)
    return {"file": file, "base": base, "opset": opset, "what": what, "limit": limit, "self_test": self_test, "bad": bad,
            "nodes": len(model.graph.node), **worst}


def main():
    folder = sys.argv[1]
    done, failed = [], 0
    with open(os.path.join(folder, "cases.txt"), encoding="utf-8") as lines:
        for line in lines:
            try:
                result = check(folder, line)
            except Exception as problem:  # any refusal of the checker or of ONNX Runtime is a finding
                print(f"FAILED  {line.rstrip()}: {type(problem).__name__}: {problem}")
                failed += 1
                continue
            done.append(result)
            if result["bad"]:
                failed += 1
                print(f"FAILED  {result}")
    if "--table" in sys.argv:
        for r in done:
            if not r["base"].startswith("layer"):
                print(f"| {r['base']} | {r['what']} | {r['opset']} | {r['nodes']} | {r['reference']:.1e} | {r['fast']:.1e} |"
                      f" {r['limit']:.1e} | {r['self_test']:.1e} |")
    layers = [d for d in done if d["base"].startswith("layer")]
    for what, some in (("layers", layers), ("networks", [d for d in done if d not in layers])):
        for kind in ("reference", "fast", "self_test"):
            if some:
                r = max(some, key=lambda d: d[kind])
                print(f"{len(some)} files of {what}, largest error, {kind}: {r[kind]:.2g} in {r['file']} ({r['what']})")
    print(f"{len(done)} files run, {failed} failures; onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
