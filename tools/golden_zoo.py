#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of networks of the zoo, made with torchvision's models in float64.

Writes tests/golden/zoo/<network>.txt: the scores in evaluation mode, then the loss and facts about every gradient of one training
step (dropout off), then facts about the statistics that the step's batch gave. Parameters, statistics, images and classes come from
integer hashes of (name, index), the same in tests/golden/zoo_test.c, and are exact in float32. Inputs are small, and there are
ten classes; where torchvision's model pools adaptively in front of its classifier, the pooling is left out and the first
dense layer reads what there is, as fovea's networks do for other inputs.
Needs PyTorch and torchvision. Committed values: PyTorch 2.15, torchvision 0.29, on a CPU.

    python3 tools/golden_zoo.py [folder [network...]]
"""
import pathlib
import sys

import numpy
import torch
import torchvision
from torch import nn

BATCH, CLASSES, SAMPLES = 4, 10, 2


def stream_of(name):
    """FNV-1a, 32 bits."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    return state


def hashes(count, stream):
    """hash32() of tools/golden.py for elements 0 to count - 1."""
    x = numpy.arange(count, dtype=numpy.uint64)
    mask = numpy.uint64(0xFFFFFFFF)
    x = (x + numpy.uint64(0x9E3779B9 * (stream + 1) & 0xFFFFFFFF)) & mask
    x = ((x ^ (x >> numpy.uint64(16))) * numpy.uint64(0x7FEB352D)) & mask
    x = ((x ^ (x >> numpy.uint64(15))) * numpy.uint64(0x846CA68B)) & mask
    return x ^ (x >> numpy.uint64(16))


def values(name, shape):
    """In [-0.5, 0.5), multiples of 2^-16: exact in float32 also beside 1."""
    count = int(numpy.prod(shape))
    numbers = (hashes(count, stream_of(name)) >> numpy.uint64(16)).astype(numpy.float64) / 2**16 - 0.5
    return torch.from_numpy(numbers).reshape(tuple(shape))


def fill(name, tensor):
    """Weights of He's width, rounded down to a power of two; scales and variances around 1; the rest around 0."""
    if tensor.dim() > 1:
        fan_in = tensor[0].numel()
        scale = 2.0 ** numpy.floor(numpy.log2(2 * numpy.sqrt(6 / fan_in)))
        return scale * values(name, tensor.shape)
    if name.endswith("running_var"):
        return 1 + 0.5 * values(name, tensor.shape)
    return 0.25 * values(name, tensor.shape)


def is_scale(net, name):
    module = net.get_submodule(name.rsplit(".", 1)[0])
    return isinstance(module, nn.BatchNorm2d) and name.endswith(".weight")


def set_values(net):
    with torch.no_grad():
        for name, tensor in list(net.named_parameters()) + list(net.named_buffers()):
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(fill(name, tensor) + (1 if is_scale(net, name) else 0))
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def without_pooling(net, name, features):
    """The classifier's first layer reads `features` values as they are."""
    net.avgpool = nn.Identity()
    first = net.get_submodule(name)
    parent = net.get_submodule(name.rsplit(".", 1)[0])
    parent[int(name.rsplit(".", 1)[1])] = nn.Linear(features, first.out_features)
    return net


models = torchvision.models
NETWORKS = {
    "resnet-18": (64, lambda: models.resnet18(num_classes=CLASSES)),
    "vgg-d": (32, lambda: without_pooling(models.vgg16(num_classes=CLASSES), "classifier.0", 512)),
    "googlenet-bn": (64, lambda: models.googlenet(num_classes=CLASSES, aux_logits=False, init_weights=False)),
    "googlenet-bn-auxiliary": (64, lambda: models.googlenet(num_classes=CLASSES, aux_logits=True, init_weights=False)),
    "inception-v3": (107, lambda: models.inception_v3(num_classes=CLASSES, aux_logits=False, init_weights=False)),
    "densenet-121": (64, lambda: models.densenet121(num_classes=CLASSES)),
    "alexnet": (95, lambda: without_pooling(models.alexnet(num_classes=CLASSES), "classifier.1", 256 * 2 * 2)),
    "mobilenet-v2": (64, lambda: models.mobilenet_v2(num_classes=CLASSES)),
}


def write_line(out, name, numbers):
    out.write(name + " " + " ".join(float(v).hex() for v in numbers) + "\n")


def write_facts(out, what, name, tensor):
    """Sum, norm, largest magnitude, and elements i * count // SAMPLES."""
    flat = tensor.detach().reshape(-1)
    count = min(SAMPLES, flat.numel())
    picked = [flat[i * flat.numel() // count] for i in range(count)]
    write_line(out, f"{what} {name}", [flat.sum(), flat.norm(), flat.abs().max(), *picked])


def loss_of(output, classes):
    """Auxiliary classifiers count 0.3 each, as in Szegedy et al. 2015, section 5."""
    if isinstance(output, torch.Tensor):
        return nn.functional.cross_entropy(output, classes)
    heads = [nn.functional.cross_entropy(head, classes) for head in output]
    return heads[0] + 0.3 * sum(heads[1:])


def write_network(path, size, build):
    net = build().double()
    set_values(net)
    images = 2 * values("images", (BATCH, 3, size, size))
    classes = torch.tensor([int(h) % CLASSES for h in hashes(BATCH, stream_of("classes"))])
    with open(path, "w", encoding="ascii") as out:
        out.write(f"input {size}\n")
        with torch.no_grad():
            write_line(out, "scores", net.eval()(images).reshape(-1))
        loss = loss_of(net.train()(images), classes)
        loss.backward()
        write_line(out, "loss", [loss.item()])
        for name, parameter in net.named_parameters():
            write_facts(out, "gradient", name, parameter.grad)
        for name, module in net.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                write_facts(out, "statistic", name + ".running_mean", module.running_mean)
                write_facts(out, "statistic", name + ".running_var", module.running_var)


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "tests" / "golden" / "zoo"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (size, build) in NETWORKS.items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        write_network(folder / f"{name}.txt", size, build)


main()
