#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of the named networks, made with PyTorch in float64.

Writes tests/golden/<network>.txt: logits, loss, gradients and weights of two training steps on one batch (SGD with momentum
0.9 and weight decay 0.01 on weights, rate 0.05). Weights, images and classes come from integer hashes (value() below; the
same in tests/golden/golden_test.c) and are exact in float32, so both precisions of fovea start at the same point. Numbers are written in
hexadecimal, so nothing is lost. Run it with any PyTorch; committed values were made with 2.x on a CPU.

    python3 tools/golden.py [folder]
"""
import math
import pathlib
import sys

import torch
from torch import nn

BATCH, CLASSES, SAMPLES = 4, 10, 24
RATE, MOMENTUM, DECAY = 0.05, 0.9, 0.01


def hash32(index, stream):
    """A hash of 32 bits ("lowbias32", Wellons 2018) of element `index` of stream `stream`."""
    x = (index + 0x9E3779B9 * (stream + 1)) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def value(index, stream):
    """In [-0.5, 0.5), a multiple of 2^-24: exact in float32."""
    return (hash32(index, stream) >> 8) / 2**24 - 0.5


def fill(shape, stream, scale):
    count = math.prod(shape)
    return torch.tensor([scale * value(i, stream) for i in range(count)], dtype=torch.float64).reshape(shape)


def weight_scale(fan_in):
    """The power of two at or below the width of He's uniform distribution, so that products stay exact."""
    return 2.0 ** math.floor(math.log2(2 * math.sqrt(6 / fan_in)))


def stage(inputs, filters, pad, pool):
    return [nn.Conv2d(inputs, filters, 5, padding=pad), nn.ReLU(), nn.MaxPool2d(pool)]


NETWORKS = {
    "lenet5": ((1, 28, 28), lambda: nn.Sequential(
        *stage(1, 6, 2, 2), *stage(6, 16, 0, 2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, CLASSES))),
    "convnetjs-mnist": ((1, 24, 24), lambda: nn.Sequential(
        *stage(1, 8, 2, 2), *stage(8, 16, 2, 3), nn.Flatten(), nn.Linear(256, CLASSES))),
    "convnetjs-cifar10": ((3, 32, 32), lambda: nn.Sequential(
        *stage(3, 16, 2, 2), *stage(16, 20, 2, 2), *stage(20, 20, 2, 2), nn.Flatten(), nn.Linear(320, CLASSES))),
}


def set_parameters(net):
    with torch.no_grad():
        for stream, parameter in enumerate(net.parameters()):
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 64
            parameter.copy_(fill(parameter.shape, stream, weight_scale(fan_in)))


def write_line(out, name, values):
    out.write(name + " " + " ".join(float(v).hex() for v in values) + "\n")


def sample(tensor):
    """At most SAMPLES elements, evenly spread: element i * count // samples."""
    flat = tensor.detach().reshape(-1)
    count = min(SAMPLES, flat.numel())
    return [flat[i * flat.numel() // count] for i in range(count)]


def write_network(path, shape, build):
    net = build().double()
    set_parameters(net)
    images = fill((BATCH, *shape), 1000, 2.0)
    classes = torch.tensor([hash32(i, 2000) % CLASSES for i in range(BATCH)])
    weights = [p for p in net.parameters() if p.dim() > 1]
    biases = [p for p in net.parameters() if p.dim() == 1]
    optimizer = torch.optim.SGD([{"params": weights, "weight_decay": DECAY}, {"params": biases}], lr=RATE, momentum=MOMENTUM)
    with open(path, "w", encoding="ascii") as out:
        for step in range(2):
            logits = net(images)
            loss = nn.functional.cross_entropy(logits, classes)
            optimizer.zero_grad()
            loss.backward()
            write_line(out, f"loss{step}", [loss.item()])
            write_line(out, f"logits{step}", logits.detach().reshape(-1))
            for index, parameter in enumerate(net.parameters()):
                gradient = parameter.grad
                write_line(out, f"gradient{step}.{index}", [gradient.sum(), gradient.norm(), gradient.abs().max()])
                write_line(out, f"gradient_sample{step}.{index}", sample(gradient))
            optimizer.step()
            for index, parameter in enumerate(net.parameters()):
                values = parameter.detach()
                write_line(out, f"weights{step}.{index}", [values.sum(), values.norm(), values.abs().max()])
                write_line(out, f"weights_sample{step}.{index}", sample(parameter))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests" / "golden")
    for name, (shape, build) in NETWORKS.items():
        write_network(folder / f"{name}.txt", shape, build)


if __name__ == "__main__":
    main()
