#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of the optimizers: 100 steps of PyTorch's in float64.

Writes tests/golden/optimizers/<case>.txt: a line for each parameter with its values behind the last step. Four parameters (two
weights, two biases) start at hashes (value() of golden.py) and have the gradient hash + w/4 at each step, so that an error would
grow; the rate falls by 1/200 of itself a step. Numbers are hexadecimal. tests/golden/optimizers_test.c does the same.
PyTorch's Muon rounds to bfloat16 within; here it computes in float64 like the rest.

    python3 tools/golden_optimizers.py [folder]
"""
import pathlib
import sys

import torch

from golden import fill, value

SHAPES = [(3, 2, 2, 2), (3,), (2, 12), (2,)]
STEPS = 100
torch.bfloat16 = torch.float64  # for Muon

# name: rate, optimizer, clip by value, clip by norm
CASES = {
    "sgd": (0.1, lambda p: torch.optim.SGD(p, lr=1.0), 0, 0),
    "sgd_momentum": (0.02, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9), 0, 0),
    "sgd_nesterov": (0.02, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, nesterov=True), 0, 0),
    "sgd_clip_norm": (0.05, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.5), 0, 1.5),
    "sgd_clip_value": (0.05, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.5), 0.25, 0),
    "adagrad": (0.1, lambda p: torch.optim.Adagrad(p, lr=1.0), 0, 0),
    "adadelta": (1.0, lambda p: torch.optim.Adadelta(p, lr=1.0), 0, 0),
    "rmsprop": (0.01, lambda p: torch.optim.RMSprop(p, lr=1.0), 0, 0),
    "rmsprop_momentum": (0.002, lambda p: torch.optim.RMSprop(p, lr=1.0, momentum=0.9), 0, 0),
    "rmsprop_centered": (0.01, lambda p: torch.optim.RMSprop(p, lr=1.0, centered=True, alpha=0.9), 0, 0),
    "rmsprop_centered_momentum": (0.002, lambda p: torch.optim.RMSprop(p, lr=1.0, centered=True, momentum=0.8), 0, 0),
    "adam": (0.01, lambda p: torch.optim.Adam(p, lr=1.0), 0, 0),
    "adam_betas": (0.01, lambda p: torch.optim.Adam(p, lr=1.0, betas=(0.8, 0.95), eps=1e-4), 0, 0),
    "adamw": (0.01, lambda p: torch.optim.AdamW(p, lr=1.0), 0, 0),
    "muon": (0.02, lambda p: muon(p, {}), 0, 0),
    "muon_plain_momentum": (0.02, lambda p: muon(p, {"nesterov": False, "momentum": 0.8}), 0, 0),
    "muon_match_adam": (0.02, lambda p: muon(p, {"adjust_lr_fn": "match_rms_adamw"}), 0, 0),
}


class Both:
    """Muon on matrices, AdamW on the rest."""

    def __init__(self, *parts):
        self.parts = parts
        self.param_groups = [group for part in parts for group in part.param_groups]

    def step(self):
        for part in self.parts:
            part.step()


def muon(groups, options):
    weights, biases = groups
    return Both(torch.optim.Muon([{"params": weights["params"]}], lr=1.0, weight_decay=weights["weight_decay"], **options),
                torch.optim.AdamW([biases], lr=1.0))


def run(name):
    rate, make, clip_value, clip_norm = CASES[name]
    params = [fill(shape, p, 1.0) for p, shape in enumerate(SHAPES)]
    params = [p.reshape(p.shape[0], -1) if p.dim() > 1 else p for p in params]
    optimizer = make([{"params": params[0::2], "weight_decay": 0.05}, {"params": params[1::2], "weight_decay": 0.0}])
    for step in range(STEPS):
        for p, param in enumerate(params):
            noise = [value(i, 100 + 4 * step + p) for i in range(param.numel())]
            param.grad = torch.tensor(noise, dtype=torch.float64).reshape(param.shape) + param.detach() / 4
        if clip_value:
            torch.nn.utils.clip_grad_value_(params, clip_value)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(params, clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / 200)
        optimizer.step()
    return params


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "tests/golden/optimizers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in CASES:
        lines = [" ".join(float(v).hex() for v in p.flatten().tolist()) for p in run(name)]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
