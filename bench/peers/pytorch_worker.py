# SPDX-License-Identifier: Apache-2.0
"""One PyTorch variant of one network, timed on request.

Reads lines "train" or "inference" from standard input, runs steps for the given time, answers images per second.
A long-lived process, so that compilation and warm-up are paid once and runs can alternate with another program's.

    pytorch_worker.py NETWORK VARIANT BATCH THREADS SECONDS      VARIANT: plain | channels-last | compile
"""
import sys
import time

import torch
from torch import nn


def lenet5():
    return (1, 28, 28), nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def convnetjs_mnist():
    return (1, 24, 24), nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3),
        nn.Flatten(), nn.Linear(256, 10))


def convnetjs_cifar10():
    return (3, 32, 32), nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(320, 10))


NETWORKS = {"lenet5": lenet5, "convnetjs-mnist": convnetjs_mnist, "convnetjs-cifar10": convnetjs_cifar10}


def main():
    name, variant, batch, threads, seconds = sys.argv[1:6]
    batch, seconds = int(batch), float(seconds)
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    shape, network = NETWORKS[name]()
    images = torch.randn(batch, *shape)
    labels = torch.randint(0, 10, (batch,))
    if variant == "channels-last":
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    run = torch.compile(network) if variant == "compile" else network
    loss_of = nn.CrossEntropyLoss()
    # foreach: PyTorch's fastest SGD on a CPU
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, foreach=True)

    def train():
        network.train()
        optimizer.zero_grad(set_to_none=True)
        loss_of(run(images), labels).backward()
        optimizer.step()

    def inference():
        network.eval()
        with torch.inference_mode():
            run(images)

    steps = {"train": train, "inference": inference}
    for line in sys.stdin:
        step = steps[line.strip()]
        for _ in range(5):
            step()
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
            count += 1
        print(count * batch / (time.perf_counter() - start), flush=True)


main()
