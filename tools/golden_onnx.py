#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small ONNX files and what they compute, for tests/golden/onnx_test.c.

Writes tests/golden/onnx/NAME.onnx and NAME.txt (the input of two images, then the output, as hexadecimal floats). Networks come from
PyTorch by both of its exporters (NAME-legacy.onnx: TorchScript; NAME-dynamo.onnx: torch.export, with external data) with PyTorch's answers in float64; nodes
that PyTorch does not write are made by onnx.helper, with ONNX Runtime's answers. Needs torch, onnx, onnxscript, onnxruntime.

    python3 tools/golden_onnx.py [folder]
"""
import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")


class Plain(nn.Sequential):
    """What LeNet to ResNet are made of."""

    shape = (3, 8, 8)

    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True),
                         nn.Conv2d(4, 4, 3, stride=(1, 2), dilation=(1, 2), padding=(1, 2), groups=2), nn.ReLU6(),
                         nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten(),
                         nn.Linear(4 * 3 * 2, 6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 5))


class Mobile(nn.Module):
    """Gates and activations of MobileNetV3 and EfficientNet, and what exporters make of them."""

    shape = (3, 6, 6)

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6, momentum=0.01)
        self.deep = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
        self.squeeze, self.excite = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)
        self.head = nn.Linear(12, 4)

    def forward(self, x):
        x = F.hardswish(self.norm(self.stem(x)))
        gate = self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        y = x + F.silu(self.deep(x)) * F.hardsigmoid(gate)
        z = torch.cat([F.gelu(y), F.gelu(x, approximate="tanh") * torch.sigmoid(gate)], 1)
        return self.head(F.leaky_relu(z.mean([2, 3]), 0.1))


class Shuffle(nn.Module):
    """ShuffleNet: channels split, joined and shuffled; shapes computed from shapes."""

    shape = (2, 4, 4)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        left, right = F.elu(self.stem(x)).chunk(2, 1)
        x = torch.cat([left, self.branch(right)], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(x.amax([2, 3]))


class Decoder(nn.Module):
    """Up again; shapes of images at the end."""

    shape = (2, 3, 4)

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.slope = nn.PReLU(4)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.slope(self.up(x))
        x = F.selu(x) - 0.25 * torch.clamp(x, -0.5, 1.5) / 3 + torch.abs(x)
        return torch.softmax(self.last(F.softplus(x)), 1)[:, :, 1:5, :6]


def warmed_up(network):
    """Statistics like those of training, so that values neither vanish nor explode."""
    torch.manual_seed(7)
    network = network()
    for _ in range(20):
        network(torch.randn(16, *network.shape))
    return network.eval()


def stripped(model):
    """Without what only people read, which is most of the bytes."""
    for thing in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info,
                  *model.graph.initializer, *model.functions]:
        for field in ("metadata_props", "doc_string"):
            if thing.HasField("doc_string") if field == "doc_string" else hasattr(thing, field):
                thing.ClearField(field)
    del model.graph.value_info[:]
    return model


def write_values(path, x, y):
    path.with_suffix(".txt").write_text("".join("%d\n" % a.size + "".join(float(v).hex() + "\n" for v in a.reshape(-1)) for a in (x, y)))


def export(folder, network):
    name = network.__name__.lower()
    network = warmed_up(network)
    x = torch.randn(2, *network.shape)
    for style in ("legacy", "dynamo"):
        path = folder / f"{name}-{style}.onnx"
        if style == "legacy":
            torch.onnx.export(network, x, path, dynamo=False, dynamic_axes={"x": {0: "n"}}, input_names=["x"], opset_version=13)
        else:
            torch.onnx.export(network, (x,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("n", max=64)},), verbose=False)
        model = stripped(onnx.load(path))
        path.with_name(path.name + ".data").unlink(missing_ok=True)
        onnx.save(model, path, save_as_external_data=style == "dynamo", location=path.name + ".data", size_threshold=0)
    with torch.no_grad():
        write_values(folder / name, x.numpy(), network.double()(x.double()).numpy())


def random(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def build(folder, name, opset, shape, nodes, initializers=(), functions=(), external=False):
    """shape: of the input, N first. nodes: (type, inputs, outputs, attributes); the first input is x, the last output y."""
    made = [helper.make_node(kind, inputs.split(","), outputs.split(","), name=f"{kind}_{i}", **attributes)
            for i, (kind, inputs, outputs, attributes) in enumerate(nodes)]
    graph = helper.make_graph(made, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], list(initializers))
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("local", 1)] if functions else [])
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=8)
    path = folder / f"{name}.onnx"
    (folder / f"{name}.data").unlink(missing_ok=True)  # saving appends
    onnx.save(model, path, save_as_external_data=external, location=f"{name}.data", size_threshold=50)
    x = random(2, *shape)
    (y,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(["y"], {"x": x})
    write_values(path, x, y)


def operators(folder):
    norm = [tensor(k, np.abs(random(4)) + 0.5) for k in ("scale", "shift", "mean", "variance")]
    build(folder, "opset7", 7, (3, 7, 7), [
        ("Conv", "x,w", "a", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("BatchNormalization", "a,scale,shift,mean,variance", "b", {"epsilon": 1e-3}),
        ("Clip", "b", "c", {"min": -1.0, "max": 6.0}), ("Dropout", "c", "d", {"ratio": 0.4}),
        ("AveragePool", "d", "e", {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"}), ("LRN", "e", "f", {"size": 5, "alpha": 0.1}),
        ("Pad", "f", "g", {"pads": [0, 0, 1, 0, 0, 0, 0, 2], "value": 0.5}), ("Flatten", "g", "h", {}),
        ("Gemm", "h,v,u", "i", {"alpha": 0.5, "beta": 2.0}), ("Softmax", "i", "y", {})],
        [tensor("w", random(4, 3, 3, 3)), tensor("v", random(4 * 5 * 6, 3)), tensor("u", random(3)), *norm])
    # tf2onnx: images with their channels last, turned for each convolution; MatMul and Add; a Pad of its own
    build(folder, "channels-last", 11, (6, 6, 3), [
        ("Transpose", "x", "t", {"perm": [0, 3, 1, 2]}), ("Pad", "t,pads", "p", {}),
        ("Conv", "p,w", "c", {"strides": [2, 2]}), ("Add", "c,b", "d", {}), ("Transpose", "d", "e", {"perm": [0, 2, 3, 1]}),
        ("Add", "e,three", "s0", {}), ("Clip", "s0,zero,six", "s1", {}), ("Mul", "e,s1", "s2", {}), ("Div", "s2,six", "f", {}),
        ("ReduceMean", "f", "m", {"axes": [1, 2], "keepdims": 1}), ("Sigmoid", "m", "g", {}), ("Mul", "f,g", "h", {}),
        ("MatMul", "h,k", "k0", {}), ("Add", "k0,kb", "k1", {}), ("Concat", "k1,f", "k2", {"axis": -1}),
        ("ReduceMean", "k2", "i", {"axes": [1, 2], "keepdims": 0}), ("MatMul", "i,v", "j", {}), ("Add", "u,j", "y", {})],
        [tensor("pads", np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64)), tensor("w", random(4, 3, 3, 3)), tensor("b", random(1, 4, 1, 1)),
         tensor("three", np.float32(3)), tensor("zero", np.float32(0)), tensor("six", np.float32(6)), tensor("k", random(4, 2)),
         tensor("kb", random(2)), tensor("v", random(6, 3)), tensor("u", random(3))])
    # values in every field that a tensor may have them in
    typed = [helper.make_tensor("w", TensorProto.FLOAT16, [2, 3, 1, 1], random(6).astype(np.float16)),
             helper.make_tensor("b", TensorProto.DOUBLE, [2], random(2).astype(np.float64)),
             helper.make_tensor("h", TensorProto.FLOAT, [2], random(2))]
    build(folder, "types", 13, (3, 2, 2), [
        ("Cast", "w", "wf", {"to": TensorProto.FLOAT}), ("Cast", "b", "bf", {"to": TensorProto.FLOAT}), ("Add", "bf,h", "bias", {}),
        ("Conv", "x,wf,bias", "c", {}), ("Shape", "c", "s", {}), ("Gather", "s,first", "n", {"axis": 0}),
        ("Unsqueeze", "n,axis", "n1", {}), ("Concat", "n1,rest", "shape", {"axis": 0}), ("Reshape", "c,shape", "y", {})],
        [*typed, tensor("first", np.int64(0)), tensor("axis", np.array([0], np.int64)), tensor("rest", np.array([-1], np.int64))])
    # a function of the file, called twice, with an attribute of the call's
    body = [helper.make_node("Conv", ["a", "w"], ["c"]), helper.make_node("LeakyRelu", ["c"], ["r"])]
    body[1].attribute.append(helper.make_attribute("alpha", 0.0))
    body[1].attribute[0].ClearField("f")
    body[1].attribute[0].ref_attr_name = "slope"
    function = helper.make_function("local", "Block", ["a", "w"], ["r"], body, [helper.make_opsetid("", 15)], ["slope"])
    build(folder, "function", 15, (2, 3, 3), [
        ("Block", "x,w", "a", {"domain": "local", "slope": 0.2}), ("Block", "a,v", "b", {"domain": "local", "slope": 0.3}),
        ("GlobalMaxPool", "b", "c", {}), ("Squeeze", "c,axes", "y", {})],
        [tensor("w", random(2, 2, 2, 2)), tensor("v", random(3, 2, 1, 1)), tensor("axes", np.array([2, 3], np.int64))], [function], True)
    # a sequence; slices with their bounds counted from the end
    build(folder, "sequence", 14, (2, 10), [
        ("Conv", "x,w,b", "c", {"pads": [1, 1], "strides": [2]}), ("HardSwish", "c", "d", {}),
        ("Slice", "d,starts,ends,axes", "e", {}), ("MaxPool", "e", "f", {"kernel_shape": [2]}), ("HardSigmoid", "f", "g", {}),
        ("Sqrt", "g", "h", {}), ("GlobalAveragePool", "h", "i", {}), ("Flatten", "i", "y", {})],
        [tensor("w", random(4, 2, 3)), tensor("b", random(4)), tensor("starts", np.array([1, -4], np.int64)),
         tensor("ends", np.array([2**31 - 1, -1], np.int64)), tensor("axes", np.array([1, 2], np.int64))])
    # what has constants for more than one number, and layers of their own
    build(folder, "layers", 17, (4, 4, 4), [
        ("Mul", "x,each", "a", {}), ("Add", "a,channel", "b", {}), ("InstanceNormalization", "b,g,h", "c", {"epsilon": 1e-4}),
        ("Transpose", "c", "d", {"perm": [0, 2, 3, 1]}), ("LayerNormalization", "d,g,h", "e", {"axis": -1}),
        ("MatMul", "e,m", "f", {}), ("Transpose", "f", "i", {"perm": [0, 3, 1, 2]}),
        ("Resize", "i,,scales", "j", {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
        ("Pad", "j,pads", "k", {"mode": "reflect"}), ("GlobalAveragePool", "k", "l", {}), ("Div", "k,l", "o", {}), ("Sub", "o,l", "p", {}),
        ("Sum", "p,k,p", "q", {}), ("Transpose", "q", "r", {"perm": [0, 3, 1, 2]}), ("Reshape", "r,flat", "s", {}),
        ("Gemm", "s,v", "t", {}), ("LogSoftmax", "t", "y", {})],
        [tensor("each", random(4, 4, 4)), tensor("channel", random(1, 4, 1, 1)), tensor("g", random(4)), tensor("h", random(4)),
         tensor("m", random(4, 3)), tensor("scales", np.array([1, 1, 2, 1.5], np.float32)),
         tensor("pads", np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64)), tensor("flat", np.array([0, -1], np.int64)),
         tensor("v", random(3 * 9 * 8, 4))])


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/onnx")
    folder.mkdir(parents=True, exist_ok=True)
    for network in (Plain, Mobile, Shuffle, Decoder):
        export(folder, network)
    operators(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


RANDOM = np.random.default_rng(7)
if __name__ == "__main__":
    main()
