# SPDX-License-Identifier: Apache-2.0
"""test-torchvision.py LOGITS [PATTERN] - weights of torchvision and timm into fovea and back: for each network random weights and statistics
become a safetensors file, fovea's answer to random images is compared with PyTorch's in float64, and what fovea exports is loaded with strict=True.
The tolerance: both compute in float32 in different orders; 1e-5 of the largest answer, as the reference plan is held to."""
import fnmatch
import os
import subprocess
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file, save_file

TORCHVISION = {
    "alexnet": "alexnet", "vgg-a": "vgg11", "vgg-b": "vgg13", "vgg-d": "vgg16", "vgg-e": "vgg19",
    "vgg-a-bn": "vgg11_bn", "vgg-b-bn": "vgg13_bn", "vgg-d-bn": "vgg16_bn", "vgg-e-bn": "vgg19_bn",
    "googlenet-bn": "googlenet", "inception-v3": "inception_v3",
    "resnet-18": "resnet18", "resnet-34": "resnet34", "resnet-50": "resnet50", "resnet-101": "resnet101",
    "resnet-152": "resnet152", "resnext-50": "resnext50_32x4d",
    "densenet-121": "densenet121", "densenet-161": "densenet161", "densenet-169": "densenet169",
    "densenet-201": "densenet201", "mobilenet-v2": "mobilenet_v2",
}
TIMM = {
    "vgg-a": "vgg11", "vgg-d-bn": "vgg16_bn", "inception-v3": "inception_v3", "resnet-18": "resnet18",
    "resnet-50": "resnet50", "resnext-50": "resnext50_32x4d", "densenet-121": "densenet121",
    "mobilenet-v2": "mobilenetv2_100",
}
IMAGES = 2


def with_statistics(model):
    """Running means and variances as of a trained network, so that a swapped pair shows."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return model.eval()


def torchvision_model(name):
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, name)(**options)


def timm_model(name):
    import timm
    return timm.create_model(name)


def compare(network, model, logits, folder):
    """The largest difference of an answer, as a part of the largest answer."""
    side = 299 if network == "inception-v3" else 224
    images = torch.randn(IMAGES, 3, side, side)
    weights, given, got, back = (os.path.join(folder, name) for name in ("w.safetensors", "in.bin", "out.bin", "back.safetensors"))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights)
    images.numpy().tofile(given)
    subprocess.run([logits, network, weights, given, got, str(IMAGES), back], check=True)
    with torch.no_grad():
        wanted = model.double()(images.double())
    answer = torch.frombuffer(bytearray(open(got, "rb").read()), dtype=torch.float32).reshape(IMAGES, -1).double()
    return float((answer - wanted).abs().max() / wanted.abs().max())


def check_back(network, make, folder):
    """What was exported under torchvision's names is taken with strict checking, and has the same values."""
    kept, state = (load_file(os.path.join(folder, name)) for name in ("w.safetensors", "back.safetensors"))
    model = make()
    model.load_state_dict(state, strict=True)
    for name, value in model.state_dict().items():
        if not torch.equal(value, kept[name]):
            raise SystemExit(f"{network}: {name} came back with other values")


def main():
    logits = sys.argv[1]
    pattern = sys.argv[2] if len(sys.argv) > 2 else "*"
    makers = [("torchvision", TORCHVISION, torchvision_model)]
    try:
        import timm  # noqa: F401
        makers.append(("timm", TIMM, timm_model))
    except ImportError:
        print("timm is not installed: its names are not tried")
    failed = 0
    for source, table, make in makers:
        for network, name in table.items():
            if not fnmatch.fnmatch(network, pattern):
                continue
            torch.manual_seed(3)
            model = with_statistics(make(name))
            with tempfile.TemporaryDirectory() as folder:
                error = compare(network, model, logits, folder)
                if source == "torchvision":
                    check_back(network, lambda: make(name), folder)
            failed += error > 1e-5
            print(f"{source:12} {name:18} {network:14} {error:.1e} {'' if error <= 1e-5 else 'FAILED'}", flush=True)
    sys.exit(1 if failed else 0)


main()
