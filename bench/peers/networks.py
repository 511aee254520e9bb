# SPDX-License-Identifier: Apache-2.0
"""The networks of fovea's zoo in PyTorch: torchvision's where it has them, else short definitions.

Every one is checked by its number of parameters against `fovea summary`, so that both sides do the same work.
"""
import torch
from torch import nn
from torch.nn import functional


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def convnetjs_mnist():
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3),
        nn.Flatten(), nn.Linear(256, 10))


def convnetjs_cifar10():
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(320, 10))


def small_alexnet():
    """28x28 images; pools of 3x3, stride 2, that keep half of the pixels ("same")."""
    def block(channels):
        return [nn.Conv2d(channels, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
                nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)]
    return nn.Sequential(
        *block(3), *block(64),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 384), nn.ReLU(), nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, 10))


class BatchNormWithoutScale(nn.BatchNorm2d):
    """weight stays 1 and is not trained, as in fovea's `no_scale`."""

    def __init__(self, channels, **options):
        super().__init__(channels, **options)
        del self._parameters["weight"]
        self.register_buffer("weight", torch.ones(channels))


def unit(channels, filters, kernel, stride=1, pad=0):
    return nn.Sequential(nn.Conv2d(channels, filters, kernel, stride, pad, bias=False),
                         BatchNormWithoutScale(filters), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, channels, ones, threes):
        super().__init__()
        self.ones, self.threes = unit(channels, ones, 1), unit(channels, threes, 3, pad=1)

    def forward(self, x):
        return torch.cat([self.ones(x), self.threes(x)], 1)


class Downsample(nn.Module):
    def __init__(self, channels, threes):
        super().__init__()
        self.threes, self.pool = unit(channels, threes, 3, 2, 1), nn.MaxPool2d(3, 2, 1)

    def forward(self, x):
        return torch.cat([self.threes(x), self.pool(x)], 1)


def small_inception():
    return nn.Sequential(
        unit(3, 96, 3, pad=1), Inception(96, 32, 32), Inception(64, 32, 48), Downsample(80, 80),
        Inception(160, 112, 48), Inception(160, 96, 64), Inception(160, 80, 80), Inception(160, 48, 96),
        Downsample(144, 96), Inception(240, 176, 160), Inception(336, 176, 160),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(336, 10))


class BasicBlock(nn.Module):
    """He et al. 2015, option A: where the shape changes, every second pixel and channels of zeros."""

    def __init__(self, channels, filters):
        super().__init__()
        self.grows = channels != filters
        self.conv1 = nn.Conv2d(channels, filters, 3, 2 if self.grows else 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.added = (filters - channels) // 2

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.grows:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added))
        return functional.relu(y + x)


def cifar_resnet(blocks):
    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for _ in range(blocks):
            layers.append(BasicBlock(channels, filters))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def airbench94():
    """Jordan 2024. The whitening layer's kernels are fixed there; here all is trained, on both sides."""
    def norm(channels):
        return BatchNormWithoutScale(channels, eps=1e-12, momentum=0.4)

    def group(channels, filters):
        return [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.MaxPool2d(2), norm(filters), nn.GELU(),
                nn.Conv2d(filters, filters, 3, padding=1, bias=False), norm(filters), nn.GELU()]
    return nn.Sequential(
        nn.Conv2d(3, 24, 2), nn.GELU(), *group(24, 64), *group(64, 256), *group(256, 256),
        nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False))


def torchvision_network(name, **options):
    import torchvision
    return getattr(torchvision.models, name)(weights=None, **options)


# name in fovea's zoo: (shape of an image, classes, builder)
NETWORKS = {
    "lenet5": ((1, 28, 28), 10, lenet5),
    "convnetjs-mnist": ((1, 24, 24), 10, convnetjs_mnist),
    "convnetjs-cifar10": ((3, 32, 32), 10, convnetjs_cifar10),
    "small-alexnet": ((3, 28, 28), 10, small_alexnet),
    "small-inception": ((3, 28, 28), 10, small_inception),
    "cifar-resnet-20": ((3, 32, 32), 10, lambda: cifar_resnet(3)),
    "cifar-resnet-110": ((3, 32, 32), 10, lambda: cifar_resnet(18)),
    "airbench94": ((3, 32, 32), 10, airbench94),
    "alexnet": ((3, 224, 224), 1000, lambda: torchvision_network("alexnet")),
    "vgg-a": ((3, 224, 224), 1000, lambda: torchvision_network("vgg11")),
    "vgg-d": ((3, 224, 224), 1000, lambda: torchvision_network("vgg16")),
    "googlenet-bn": ((3, 224, 224), 1000, lambda: torchvision_network("googlenet", aux_logits=True, init_weights=False)),
    "inception-v3": ((3, 299, 299), 1000, lambda: torchvision_network("inception_v3", init_weights=False)),
    "resnet-18": ((3, 224, 224), 1000, lambda: torchvision_network("resnet18")),
    "resnet-50": ((3, 224, 224), 1000, lambda: torchvision_network("resnet50")),
    "densenet-121": ((3, 224, 224), 1000, lambda: torchvision_network("densenet121")),
    "mobilenet-v2": ((3, 224, 224), 1000, lambda: torchvision_network("mobilenet_v2")),
}


def build(name):
    """(network, shape of an image, classes)"""
    shape, classes, make = NETWORKS[name]
    torch.manual_seed(1)
    return make(), shape, classes


def loss_of(outputs, labels):
    """Cross entropy; auxiliary classifiers count 0.3, as their papers want (torchvision leaves it to the caller)."""
    if isinstance(outputs, torch.Tensor):
        return functional.cross_entropy(outputs, labels)
    main, *auxiliary = [output for output in outputs if output is not None]
    return functional.cross_entropy(main, labels) + 0.3 * sum(functional.cross_entropy(a, labels) for a in auxiliary)
