# SPDX-License-Identifier: Apache-2.0
"""PyTorch: plain, channels-last or torch.compile (channels-last; inference: with frozen weights), float32 or bf16 autocast."""
import contextlib

import torch

import networks


def refuse_bf16():
    """Without bf16 in oneDNN PyTorch computes it by loops that are tens of times as slow as float32."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise RuntimeError("oneDNN refuses bf16 on this CPU")


def compiled(network, mode):
    if mode == "inference":
        import torch._inductor.config as inductor
        inductor.freezing = True  # folds batch norm, packs weights
    return torch.compile(network)


def prepare(peer, name, mode, batch, threads):
    """A step: forward, loss, backward and SGD with momentum and weight decay, or forward alone; and the network's parameters."""
    torch.set_num_threads(threads)
    variant, bf16 = peer.removesuffix("-bf16"), peer.endswith("-bf16")
    if bf16:
        refuse_bf16()
    network, shape, classes = networks.build(name)
    parameters = sum(p.numel() for p in network.parameters())
    images, labels = torch.randn(batch, *shape), torch.randint(0, classes, (batch,))
    if variant != "plain":
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    network.train(mode == "train")
    run = compiled(network, mode) if variant == "compile" else network

    def cast():
        return torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()

    def inference():
        with torch.inference_mode() if variant != "compile" else torch.no_grad(), cast():
            run(images)

    if mode == "inference":
        return inference, parameters
    # foreach: PyTorch's fastest SGD on a CPU. Rate 0, as in fovea's bench: the work is the same, and nothing grows to infinity.
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, weight_decay=1e-4, foreach=True)

    def train():
        optimizer.zero_grad(set_to_none=True)
        with cast():
            outputs = run(images)
            loss = networks.loss_of(outputs, labels)
        loss.backward()
        optimizer.step()

    return train, parameters
