# SPDX-License-Identifier: Apache-2.0
"""torchvision-names.py > tests/golden/weight_names.txt - what torchvision and timm call the parameters of the zoo's networks: for a test that needs neither.
A line "= NETWORK SOURCE MODEL TENSORS MD5" for names that are those of fovea: MD5 of the sorted lines "name [sizes]\\n". Where names differ, "+ NETWORK
SOURCE MODEL TENSORS" and then the lines themselves."""
import hashlib

import timm
import torch
import torchvision

PAIRS = {
    "alexnet": ("alexnet", None), "vgg-a": ("vgg11", "vgg11"), "vgg-b": ("vgg13", None), "vgg-d": ("vgg16", None),
    "vgg-e": ("vgg19", None), "vgg-a-bn": ("vgg11_bn", None), "vgg-b-bn": ("vgg13_bn", None),
    "vgg-d-bn": ("vgg16_bn", None), "vgg-e-bn": ("vgg19_bn", None), "googlenet-bn": ("googlenet", None),
    "inception-v3": ("inception_v3", None), "resnet-18": ("resnet18", "resnet18"), "resnet-34": ("resnet34", "resnet34"),
    "resnet-50": ("resnet50", "resnet50"), "resnet-101": ("resnet101", "resnet101"),
    "resnet-152": ("resnet152", "resnet152"), "resnext-50": ("resnext50_32x4d", "resnext50_32x4d"),
    "densenet-121": ("densenet121", "densenet121"), "densenet-161": ("densenet161", "densenet161"),
    "densenet-169": ("densenet169", "densenet169"), "densenet-201": ("densenet201", "densenet201"),
    "mobilenet-v2": ("mobilenet_v2", "mobilenetv2_100"),
}


def lines_of(model):
    return sorted(f"{name} [{','.join(map(str, value.shape))}]\n" for name, value in model.state_dict().items())


def digest(lines):
    return hashlib.md5("".join(lines).encode()).hexdigest()


def show(network, source, model, lines, own):
    if digest(lines) == own:
        print("=", network, source, model, len(lines), own)
    else:
        print("+", network, source, model, len(lines))
        print("".join(lines), end="")


print("# SPDX-License-Identifier: Apache-2.0")
print("# Made by tools/torchvision-names.py.")
with torch.device("meta"):
    for network, (vision, other) in PAIRS.items():
        options = {"init_weights": False} if vision in ("googlenet", "inception_v3") else {}
        lines = lines_of(getattr(torchvision.models, vision)(**options))
        print("=", network, "torchvision", vision, len(lines), digest(lines))
        if other is not None:
            show(network, "timm", other, lines_of(timm.create_model(other)), digest(lines))
