# SPDX-License-Identifier: Apache-2.0
"""PyTorch's networks as ONNX files, written once into the user's cache folder by a process of its own, so that PyTorch's
memory is not the peers'. The batch is fixed: runtimes choose better knowing it.

    onnx_export.py NETWORK BATCH PATH
"""
import json
import os
import subprocess
import sys


def export(name, batch):
    """(path of the file, an array of images, number of parameters)"""
    import numpy
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fovea-peers")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{name}-{batch}.onnx")
    if not os.path.exists(path + ".json"):
        subprocess.run([sys.executable, os.path.abspath(__file__), name, str(batch), path], check=True,
                       stdout=subprocess.DEVNULL)
    with open(path + ".json", encoding="utf-8") as file:
        facts = json.load(file)
    images = numpy.random.default_rng(1).standard_normal([batch, *facts["shape"]], dtype=numpy.float32)
    return path, images, facts["parameters"]


def main():
    import torch

    import networks
    name, batch, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    network, shape, _ = networks.build(name)
    network.eval()
    torch.onnx.export(network, (torch.randn(batch, *shape),), path, dynamo=True, external_data=True)
    facts = {"shape": shape, "parameters": sum(p.numel() for p in network.parameters())}
    with open(path + ".json", "w", encoding="utf-8") as file:  # last: its presence says that the export is whole
        json.dump(facts, file)


if __name__ == "__main__":
    main()
