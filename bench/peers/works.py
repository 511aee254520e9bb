# SPDX-License-Identifier: Apache-2.0
"""What is measured: networks, batches, the peers of each work, and what is wanted of fovea."""

# (title, networks: batch, wanted geometric mean, wanted of each)
GROUPS = [
    ("ImageNet", {"alexnet": 32, "vgg-a": 32, "vgg-d": 16, "googlenet-bn": 32, "inception-v3": 32, "resnet-18": 32,
                  "resnet-50": 32, "densenet-121": 32, "mobilenet-v2": 32}, 2.5, 1.6),
    ("CIFAR and MNIST", {"cifar-resnet-20": 128, "cifar-resnet-110": 128, "small-inception": 128, "small-alexnet": 128,
                         "lenet5": 128, "convnetjs-mnist": 128, "convnetjs-cifar10": 128}, 4.0, 2.5),
    ("airbench94", {"airbench94": 1024}, None, None),
]
WANTED = {"vgg-d": 4.0, "resnet-18": 2.5, "resnet-50": 2.5}  # of training, above the group's
WANTED_INFERENCE = 1.5                                       # geometric mean
WANTED_MEMORY = 0.5                                          # at most, of PyTorch's, training
QUIET = 0.1  # processors that other programs may use meanwhile

NETWORKS = {name: batch for _, networks, _, _ in GROUPS for name, batch in networks.items()}
WORKS = ["train", "inference-1", "inference-32"]

TRAINERS = ["plain", "channels-last", "compile", "plain-bf16", "channels-last-bf16", "compile-bf16"]
RUNNERS = TRAINERS + ["onnxruntime", "openvino"]


def mode_and_batch(name, work):
    """("train" or "inference", images of a step)"""
    mode, _, batch = work.partition("-")
    return mode, int(batch) if batch else NETWORKS[name]


def peers_of(work):
    return TRAINERS if work == "train" else RUNNERS


def precision(peer):
    return "bf16" if peer.endswith("-bf16") else "float32"
