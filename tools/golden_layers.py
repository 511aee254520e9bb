#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of single layers, made with PyTorch in float64.

Writes tests/golden/layers/<family>.txt, which tests/golden/layers_test.c reads. A case is a problem string of
tests/support/layer_case.h and what PyTorch computes for it: the output, and the gradients of sum(dy * y) by every input and every
parameter; of a loss, each sample's weighted loss and the gradient of 0.375 times their sum. Inputs, targets, dy and parameters come from integer hashes (value() of golden.py), the same in the test. To add a layer, add its
cases to FAMILIES: a problem string and a function of a dict of its letters, the inputs and the parameters.

    python3 tools/golden_layers.py [folder]
"""
import pathlib
import re
import sys

import torch
from torch.nn import functional as F

import golden

X_STREAM, DY_STREAM, TARGET_STREAM, PARAM_STREAM = 10, 20, 30, 100
LOSS_SCALE = 0.375  # what layer_case.c takes for 1 / divisor
SCALES = {"activations": 16.0, "losses": 16.0}  # of the inputs: as wide as the pieces of the functions; else 2


def letters(problem):
    return {letter: int(number) for letter, number in re.findall(r"([a-z])(-?[0-9]+)", problem.split(" ")[1])}


def pair(p, rows, columns, default=0):
    """Rows and columns as layer_case.c reads them: one number fills both."""
    first = p.get(rows, 0) or default
    return first, p.get(columns, 0) or first


def max_pool2d(p, x):
    kernel = pair(p, "r", "s")
    stride = pair(p, "u", "v") if p.get("u") else kernel
    return F.max_pool2d(x, kernel, stride, p.get("p", 0), ceil_mode=bool(p.get("e")))


def average_pool2d(p, x):
    kernel = pair(p, "r", "s")
    stride = pair(p, "u", "v") if p.get("u") else kernel
    return F.avg_pool2d(x, kernel, stride, p.get("p", 0), ceil_mode=bool(p.get("e")), count_include_pad=bool(p.get("o")))


def max_pool1d(p, x):
    """The same layer on c x 1 x w, by PyTorch's own function for sequences."""
    return F.max_pool1d(x.squeeze(2), p["s"], p["v"]).unsqueeze(2)


def average_pool1d(p, x):
    return F.avg_pool1d(x.squeeze(2), p["s"], p["v"]).unsqueeze(2)


def along_channels(pool):
    def run(p, x):
        n, c, h, w = x.shape
        sequence = x.permute(0, 2, 3, 1).reshape(n * h * w, 1, c)
        return pool(p, sequence).reshape(n, h, w, -1).permute(0, 3, 1, 2)
    return run


channel_max_pool = along_channels(lambda p, x: F.max_pool1d(x, p["r"], p.get("u") or p["r"], p.get("p", 0)))
channel_average_pool = along_channels(
    lambda p, x: F.avg_pool1d(x, p["r"], p.get("u") or p["r"], p.get("p", 0), count_include_pad=False))


def pad(p, x):
    sides = [p.get(letter, 0) for letter in "rupsjl"]  # left, right, top, bottom, channels before, after
    return F.pad(x, sides, value=p.get("a", 0) / 100)


def padded(p, x):
    sides = [p.get(letter, 0) for letter in "rups"]
    return F.pad(x, sides, mode={1: "reflect", 2: "replicate"}[p["m"]])


def taken(p, x):
    """Every axis by the indices of what is taken."""
    for axis, (first, count, step) in enumerate(("rkd", "pqu", "jlv"), 1):
        size, begin, by = x.shape[axis], p.get(first, 0), p.get(step, 0) or 1
        every = list(range(begin, size if by > 0 else -1, by))
        x = x.index_select(axis, torch.tensor(every[:p.get(count, 0) or None]))
    return x


def permute(p, x):
    order = [p["k"] // 100, p["k"] // 10 % 10, p["k"] % 10]
    return x.permute(0, *(1 + axis for axis in order))


def reduce_mean(p, x):
    axes = {0: (2, 3), 1: (1,), 2: (1, 2, 3), 3: (2,), 4: (3,)}[p.get("o", 0)]
    return x.mean(axes, keepdim=True)


def resize(mode, **options):
    """PyTorch's nearest is asymmetric and floor; nearest-exact is half_pixel, which rounds halves otherwise: no case has any."""
    def run(p, x):
        if p.get("a"):
            return F.interpolate(x, scale_factor=(2.5, 1.6), mode=mode, recompute_scale_factor=False, **options)
        return F.interpolate(x, size=(p["r"], p["s"]), mode=mode, **options)
    return run


def crop(p, x):
    return x[:, :, p.get("p", 0):x.shape[2] - p.get("s", 0), p.get("r", 0):x.shape[3] - p.get("u", 0)]


def upsample(p, x):
    if p.get("e"):
        return F.interpolate(x, scale_factor=(p["r"], p["s"]), mode="bilinear", align_corners=False)
    return F.interpolate(x, scale_factor=(p["r"], p["s"]), mode="nearest")


def batch_norm(p, x, *parameters):
    """With a momentum of 1 the running statistics become what the batch showed: what the test finds in their gradients. Ghost
    batches are batches."""
    scale, shift, mean, variance = parameters if not p.get("b") else (None, None, *parameters)
    training = not p.get("x")
    groups = max(1, x.shape[0] // p["g"]) if p.get("g") and training else 1
    outputs, means, variances = [], [], []
    for group in range(groups):
        part = x[x.shape[0] * group // groups:x.shape[0] * (group + 1) // groups]
        seen = [mean.clone(), variance.clone()]
        outputs.append(F.batch_norm(part, seen[0], seen[1], scale, shift, training, 1.0, 1e-5))
        means.append(seen[0] * part.shape[0] / x.shape[0])
        variances.append(seen[1] * part.shape[0] / x.shape[0])
    mean.copy_(sum(means))
    variance.copy_(sum(variances))
    return torch.cat(outputs)


def group_norm(p, x, weight=None, bias=None):
    return F.group_norm(x, p["g"], weight, bias)


def layer_norm(p, x, weight=None, bias=None):
    return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), weight, bias).permute(0, 3, 1, 2)


def scale(p, x, weight, shift):
    return x * weight + shift


def local_response_norm(p, x):
    size, alpha, beta = p.get("r") or 5, p.get("a", 0) / 100 or 1e-4, p.get("q", 0) / 100 or 0.75
    cells = size * size if p.get("o") else size
    alpha *= cells if p.get("f") else 1
    if p.get("o"):
        return x / (1 + alpha * F.avg_pool2d(x * x, size, 1, size // 2)) ** beta
    return F.local_response_norm(x, size, alpha, beta, 1.0)


def convolution_shape(p):
    return (p["k"], p.get("c", 1) // (p.get("g") or 1), *pair(p, "r", "s", 1))


def conv2d(p, x, weight, bias):
    stride, dilation = pair(p, "u", "v", 1), p.get("d") or 1
    return F.conv2d(x, weight, bias, stride, p.get("p", 0), dilation, p.get("g") or 1)


def conv1d(p, x, weight, bias):
    """The same layer on c x 1 x w, by PyTorch's own function for sequences."""
    y = F.conv1d(x.squeeze(2), weight.squeeze(2), bias, p.get("v") or p.get("u") or 1, 0, p.get("d") or 1, p.get("g") or 1)
    return y.unsqueeze(2)


def convolution(problem, function=conv2d):
    p = letters(problem)
    return problem, function, (convolution_shape(p), (p["k"],))


def transposed(problem):
    p = letters(problem)
    shape = (p.get("c", 1), p["k"] // (p.get("g") or 1), *pair(p, "r", "s", 1))

    def run(p, x, weight, bias):
        stride = pair(p, "u", "v", 1)
        return F.conv_transpose2d(x, weight, bias, stride, p.get("p", 0), p.get("o", 0), p.get("g") or 1, p.get("d") or 1)
    return problem, run, (shape, (p["k"],))


# LeCun et al. 1998, table I: for each of 16 filters the channels that it reads.
TABLE_1 = ([[i, (i + 1) % 6, (i + 2) % 6] for i in range(6)] + [[i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6] for i in range(6)]
           + [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], list(range(6))])


def connected(p, x, kernels, bias):
    """The kernels that exist, filter by filter and in it by ascending channel, among zeros."""
    places = [(k, c) for k, channels in enumerate(TABLE_1) for c in sorted(channels)]
    rows, columns = zip(*places)
    weight = torch.zeros(16, 6, *kernels.shape[1:], dtype=torch.float64).index_put((torch.tensor(rows), torch.tensor(columns)), kernels)
    return F.conv2d(x, weight, bias, padding=p.get("p", 0))


def subsample(p, x, weight, bias):
    kernel = pair(p, "r", "s", 2)
    stride = pair(p, "u", "v") if p.get("u") else kernel
    mean = F.avg_pool2d(x, kernel, stride)
    cells = 1 if p.get("o") else kernel[0] * kernel[1]
    return weight.reshape(1, -1, 1, 1) * mean * cells + bias.reshape(1, -1, 1, 1)


def rbf_codes():
    """The bitmaps of src/layer/rbf_codes.c, one row of 84 numbers for each digit."""
    source = (pathlib.Path(__file__).parent.parent / "src" / "layer" / "rbf_codes.c").read_text(encoding="ascii")
    pixels = "".join(re.findall(r'"([.#]{7})"', source))
    return torch.tensor([1.0 if pixel == "#" else -1.0 for pixel in pixels], dtype=torch.float64).reshape(-1, 84)


def rbf(p, x):
    codes = rbf_codes()[:p.get("k") or 10]
    distance = ((x.reshape(x.shape[0], 1, 84) - codes) ** 2).sum(dim=2)
    return -distance.reshape(x.shape[0], -1, 1, 1)


def scaled_tanh(p, x):
    return 1.7159 * torch.tanh(2 / 3 * x)


def softplus(p, x):
    """PyTorch returns x above a threshold; 1000 is never reached here."""
    return F.softplus(x, p["a"] / 100 if p.get("a") else 1.0, 1000)


def maxout(p, x):
    n, c, h, w = x.shape
    pieces = p.get("k") or 2
    return x.reshape(n, c // pieces, pieces, h, w).max(2).values


def dense(problem):
    p = letters(problem)
    inputs = p.get("c", 1) * p.get("h", 1) * p.get("w", 1)

    def run(p, x, weight, bias=None):
        return F.linear(x.flatten(1), weight, bias).reshape(x.shape[0], -1, 1, 1)
    return problem, run, ((p["k"], inputs),) if p.get("b") else ((p["k"], inputs), (p["k"],))


CLASS_WEIGHTS = torch.tensor([0.5, 1.25, 2, 0, 1, 0.75, 3, 1.5, 0.25, 1], dtype=torch.float64)


def classes(p):
    """As make_batch() of layer_case.c chooses them."""
    return torch.tensor([(i * 7 + 2) % p["c"] for i in range(p.get("n", 1))])


def soft_targets(x):
    """From 0 to 1, not normalised: the formulas do not need it."""
    return golden.fill(x.shape, TARGET_STREAM, 1.0) + 0.5


def hundredths(p, letter, default):
    return p[letter] / 100 if p.get(letter) else default


def power(p, x):
    return x ** (p["a"] / 100)


def loss(of_samples):
    """Each sample's loss times its weight and the layer's."""
    def run(p, x):
        weights = torch.tensor([0.5 + 0.25 * i if p.get("z") else 1.0 for i in range(x.shape[0])], dtype=torch.float64)
        return of_samples(p, x).reshape(x.shape[0], -1).sum(1) * weights * hundredths(p, "a", 1.0)
    run.is_loss = True
    return run


@loss
def softmax_cross_entropy(p, x):
    target = soft_targets(x) if p["t"] == 2 else classes(p)
    scores, target = (x, target) if p.get("l") else (x.flatten(1), target.flatten(1) if p["t"] == 2 else target)
    weight = CLASS_WEIGHTS[:p["c"]] if p.get("y") else None
    return F.cross_entropy(scores, target, weight, label_smoothing=hundredths(p, "q", 0.0), reduction="none")


@loss
def binary_cross_entropy(p, x):
    target = soft_targets(x) if p["t"] == 2 else F.one_hot(classes(p), p["c"]).double().reshape(x.shape)
    return F.binary_cross_entropy_with_logits(x, target, reduction="none")


@loss
def hinge_loss(p, x):
    """PyTorch divides by the number of classes."""
    margin = hundredths(p, "q", 1.0)
    return p["c"] * F.multi_margin_loss(x.flatten(1), classes(p), 2 if p.get("f") else 1, margin, reduction="none")


@loss
def euclidean_loss(p, x):
    return (0.5 if p.get("f") else 1.0) * F.mse_loss(x, soft_targets(x), reduction="none")


@loss
def map_loss(p, x):
    """LeCun et al. 1998, equation 9, of scores that are minus the distances."""
    scores = x.flatten(1)
    rubbish = torch.full((x.shape[0], 1), -hundredths(p, "q", 1.0), dtype=torch.float64)
    right = scores.gather(1, classes(p).reshape(-1, 1)).squeeze(1)
    return torch.logsumexp(torch.cat((scores, rubbish), 1), 1) - right


FAMILIES = {
    "convolution": [
        convolution("conv2d n2c3h6w5k4r3p1"),
        convolution("conv2d n2c5h7w6k3r5u2p2"),
        convolution("conv2d n1c4h3w3k5"),
        dense("dense n3c7k5"),
        dense("dense n2c3h4w2k6"),
        dense("dense n2c3h4w2k6b1"),
        convolution("conv2d n2c3h5w4k3r1s3p1"),  # row and column kernels
        convolution("conv2d n1c3h5w4k3r5s1p2"),
        convolution("conv2d n2c4h1w9k5r1s3", conv1d),  # one-dimensional
        convolution("conv2d n1c4h1w16k6r1s5u2v3g2", conv1d),
        convolution("conv2d n1c2h7w6k4r3p2d2"),  # dilated
        convolution("conv2d n1c2h9w8k3r3u2p3d3"),
        convolution("conv2d n2c9h5w4k9r3p1g9"),  # depthwise, and with more filters a channel
        convolution("conv2d n1c11h6w5k11r5u2p2g11"),
        convolution("conv2d n1c5h4w5k10r3p1g5"),
        convolution("conv2d n1c3h5w6k9r3u2p1g3"),
        convolution("conv2d n1c12h4w3k12r3p1g3"),  # groups
        convolution("conv2d n1c12h4w4k18r3u2p1g6"),
        ("conv2d n1c6h4w3k16r3l1", connected, ((60, 3, 3), (16,))),  # LeNet-5's table
        transposed("conv2d_transpose n2c3h4w5k4r3p1"),
        transposed("conv2d_transpose n1c3h4w3k5r3u2p1o1"),
        transposed("conv2d_transpose n2c4h3w4k6r4s3u3v2g2"),
        transposed("conv2d_transpose n1c2h4w3k3r2d3p1u2o1"),
        transposed("conv2d_transpose n1c6h3w3k6r3u2p1g6"),
    ],
    "lenet": [
        ("subsample n2c6h6w8", subsample, ((6,), (6,))),
        ("subsample n1c5h7w9r3s2u2v3o1", subsample, ((5,), (5,))),
        ("rbf n3c84", rbf),
        ("rbf n2c84k7", rbf),
        ("map_loss n4c7t1z1a50", map_loss),
        ("map_loss n3c10t1q300", map_loss),
    ],
    "norm": [
        ("batch_norm n5c3", batch_norm, [(3,)] * 4, 2),
        ("batch_norm n3c5h3w2", batch_norm, [(5,)] * 4, 2),
        ("batch_norm n7c3h2w3g2", batch_norm, [(3,)] * 4, 2),
        ("batch_norm n2c4h3w3b3", batch_norm, [(4,)] * 2, 2),
        ("batch_norm n3c5h3w2x1", batch_norm, [(5,)] * 4, 2),
        ("batch_norm n1c6x1", batch_norm, [(6,)] * 4, 2),
        ("scale n2c5h3w4", scale, [(5, 1, 1)] * 2),
        ("scale n3c7b1", lambda p, x, shift: x + shift, [(7, 1, 1)]),
        ("scale n2c4h3w2b2", lambda p, x, weight: x * weight, [(4, 1, 1)]),
        ("scale n2c5h3w4o1", scale, [(5, 3, 4)] * 2),
        ("group_norm n3c6h3w4g2", group_norm, [(6,)] * 2),
        ("group_norm n2c5h3w4g5", group_norm, [(5,)] * 2),
        ("group_norm n2c5h3w4g1", group_norm, [(5,)] * 2),
        ("group_norm n2c8h2w2g4b3", group_norm),
        ("layer_norm n2c7h3w2", layer_norm, [(7,)] * 2),
        ("layer_norm n3c12b2", layer_norm, [(12,)]),
        ("local_response_norm n2c9h2w3r5a100q75", local_response_norm),
        ("local_response_norm n2c7h3w2", local_response_norm),
        ("local_response_norm n1c5h2w2r3a200q50f1", local_response_norm),
        ("local_response_norm n2c3h5w4r3a100q75o1", local_response_norm),
        ("dropout n2c3h3w2a50x1", lambda p, x: F.dropout(x, 0.5, training=False)),
    ],
    "activations": [
        ("relu n2c3h2w3", lambda p, x: F.relu(x)),
        ("relu6 n2c3h2w3", lambda p, x: F.relu6(x)),
        ("leaky_relu n2c3h2w3a25", lambda p, x: F.leaky_relu(x, 0.25)),
        ("prelu n2c5h3w4", lambda p, x, slope: F.prelu(x, slope), [(5,)]),
        ("prelu n2c19h3w2f1", lambda p, x, slope: F.prelu(x, slope), [(1,)]),
        ("prelu n4c9", lambda p, x, slope: F.prelu(x, slope), [(9,)]),
        ("elu n2c3h2w3a150", lambda p, x: F.elu(x, 1.5)),
        ("gelu n2c3h2w3", lambda p, x: F.gelu(x)),
        ("gelu n2c3h2w3f1", lambda p, x: F.gelu(x, approximate="tanh")),
        ("silu n2c3h2w3", lambda p, x: F.silu(x)),
        ("hard_swish n2c3h2w3", lambda p, x: F.hardswish(x)),
        ("softplus n2c3h2w3", softplus),
        ("softplus n2c3h2w3a250", softplus),
        ("maxout n2c6h3w4", maxout),
        ("maxout n2c15h2w2k5", maxout),
        ("sigmoid n2c3h2w3", lambda p, x: torch.sigmoid(x)),
        # F.hardsigmoid divides by 6 in float32 on the way back, also for float64
        ("hard_sigmoid n2c3h2w3", lambda p, x: F.relu6(x + 3) / 6),
        ("hard_sigmoid n2c3h2w3a20q50", lambda p, x: torch.clamp(0.2 * x + 0.5, 0, 1)),
        ("selu n2c3h2w3", lambda p, x: F.selu(x)),
        ("clip n2c3h2w3a-50q150", lambda p, x: F.hardtanh(x, -0.5, 1.5)),
        ("clip n2c3h2w3q600", lambda p, x: torch.clamp(x, 0, 6)),
        ("linear n2c3h2w3a-150q25", lambda p, x: -1.5 * x + 0.25),
        ("power n2c3h2w3a200", power),
        ("power n2c3h2w3a50", lambda p, x: torch.sqrt(x)),
        ("power n2c3h2w3a-100", lambda p, x: 1 / x),
        ("power n2c3h2w3a-150", power),
        ("power n2c3h2w3a270", power),
        ("exp n2c3h2w3", lambda p, x: torch.exp(x)),
        ("log n2c3h2w3", lambda p, x: torch.log(x)),
        ("absolute n2c3h2w3", lambda p, x: torch.abs(x)),
        ("tanh n2c3h2w3", lambda p, x: torch.tanh(x)),
        ("scaled_tanh n2c3h2w3", scaled_tanh),
        ("softmax n3c10", lambda p, x: F.softmax(x, 1)),
        ("softmax n2c7h2w3", lambda p, x: F.softmax(x, 1)),
        ("log_softmax n3c10", lambda p, x: F.log_softmax(x, 1)),
        ("log_softmax n2c7h2w3", lambda p, x: F.log_softmax(x, 1)),
    ],
    "losses": [
        ("softmax_cross_entropy n4c7t1z1a50", softmax_cross_entropy),
        ("softmax_cross_entropy n3c5t1q10", softmax_cross_entropy),
        ("softmax_cross_entropy n4c7t1y1", softmax_cross_entropy),
        ("softmax_cross_entropy n4c7t1z1q25y1a40", softmax_cross_entropy),
        ("softmax_cross_entropy n3c5t2", softmax_cross_entropy),
        ("softmax_cross_entropy n3c5t2q15y1", softmax_cross_entropy),
        ("softmax_cross_entropy n2c5h3w2t2z1q10y1l1", softmax_cross_entropy),
        ("binary_cross_entropy n3c7t1z1a150", binary_cross_entropy),
        ("binary_cross_entropy n2c5h3w2t2", binary_cross_entropy),
        ("hinge_loss n4c7t1z1", hinge_loss),
        ("hinge_loss n4c5t1f1q200a150", hinge_loss),
        ("euclidean_loss n2c3h4w2t2", euclidean_loss),
        ("euclidean_loss n3c5t2z1f1", euclidean_loss),
    ],
    "pooling": [
        ("max_pool2d n2c2h13w13r3u2", max_pool2d),  # AlexNet's overlapping windows
        ("max_pool2d n1c3h8w7r3u2e1", max_pool2d),  # GoogLeNet's, rounded up
        ("max_pool2d n1c3h6w7r3u2p1e1", max_pool2d),
        ("max_pool2d n2c3h1w9r1s3u1v2", max_pool1d),
        ("average_pool2d n2c2h9w7r3u2", average_pool2d),
        ("average_pool2d n1c3h8w7r3u2p1e1", average_pool2d),
        ("average_pool2d n1c3h8w7r3u2p1e1o1", average_pool2d),
        ("average_pool2d n2c3h1w9r1s3u1v2", average_pool1d),
        ("global_max_pool n2c5h4w3", lambda p, x: F.adaptive_max_pool2d(x, 1)),
        ("global_average_pool n2c5h4w3", lambda p, x: F.adaptive_avg_pool2d(x, 1)),
        ("adaptive_average_pool n1c3h9w6r3s2", lambda p, x: F.adaptive_avg_pool2d(x, (3, 2))),
        ("adaptive_average_pool n1c3h13w7r6s4", lambda p, x: F.adaptive_avg_pool2d(x, (6, 4))),
        ("adaptive_average_pool n1c3h2w3r7s7", lambda p, x: F.adaptive_avg_pool2d(x, 7)),
        ("channel_max_pool n2c7h2w3r3", channel_max_pool),
        ("channel_max_pool n1c9h3w2r3u2p1", channel_max_pool),
        ("channel_average_pool n2c8h2w3r2", channel_average_pool),
        ("channel_average_pool n1c9h3w2r4u3p2", channel_average_pool),
    ],
    "shapes": [
        ("pad n1c3h4w5p1r2s3u4j2l1a150", pad),
        ("pad n2c4h3w3j2l2", pad),
        ("pad n1c3h4w5p1r2s3u4m1", padded),
        ("pad n1c3h4w5p1r2s6u4m2", padded),
        ("slice n2c5h4w7p1q2j1u2v3", taken),
        ("slice n1c7h3w4r5k3d-2p2u-1", taken),
        ("permute n2c3h4w5k120", permute),
        ("permute n2c3h4w5k201", permute),
        ("permute n2c3h4w5k21", permute),
        ("permute n2c3h4w5k210", permute),
        ("channel_shuffle n2c6h3w2g2", lambda p, x: F.channel_shuffle(x, p["g"])),
        ("channel_shuffle n2c12h2w2g3", lambda p, x: F.channel_shuffle(x, p["g"])),
        ("expand n2c3h1w1r3s4", lambda p, x: x.expand(-1, -1, 3, 4)),
        ("expand n2c1h3w2k5", lambda p, x: x.expand(-1, 5, -1, -1)),
        ("reduce_mean n2c5h3w4", reduce_mean),
        ("reduce_mean n2c5h3w4o1", reduce_mean),
        ("reduce_mean n2c5h3w4o2", reduce_mean),
        ("reduce_mean n2c5h3w4o3", reduce_mean),
        ("reduce_mean n2c5h3w4o4", reduce_mean),
        ("resize n1c3h3w4r6s8", resize("nearest-exact")),
        ("resize n1c3h5w7r3s12o2f1", resize("nearest")),
        ("resize n1c3h4w5a1o2f1", resize("nearest")),
        ("resize n1c3h3w4r5s7e1", resize("bilinear", align_corners=False)),
        ("resize n1c3h7w6r4s3e1", resize("bilinear", align_corners=False)),
        ("resize n1c3h4w5a1e1", resize("bilinear", align_corners=False)),
        ("resize n1c3h3w4r5s7e1o1", resize("bilinear", align_corners=True)),
        ("crop n1c3h7w6p1r2s3u1", crop),
        ("slice n2c7h2w3r2k4", lambda p, x: x[:, 2:6]),
        ("reshape n2c6h4w5k5r8s3", lambda p, x: x.reshape(-1, 5, 8, 3)),
        ("upsample n1c3h3w4r2s3", upsample),
        ("upsample n1c3h3w4r2s2e1", upsample),
        ("upsample n1c2h1w3r4s3e1", upsample),
        ("flatten n2c3h4w5", lambda p, x: x.reshape(x.shape[0], -1, 1, 1)),
        ("identity n2c3h2w4", lambda p, x: x * 1),
        ("add n2c3h3w4i2", lambda p, *x: sum(x)),
        ("add n2c5h2w3i3", lambda p, *x: sum(x)),
        ("add n2c5h2w3i3j5", lambda p, *x: sum(x)),
        ("concat n2c3h3w4i3", lambda p, *x: torch.cat(x, 1)),
        ("multiply n2c3h3w4i2", lambda p, x, gate: x * gate),
        ("multiply n2c5h3w2i2j1", lambda p, x, gate: x * gate),
        ("multiply n2c5h3w2i2j2", lambda p, x, gate: x * gate),
        ("multiply n2c5h3w2i2j3", lambda p, x, gate: x * gate),
        ("subtract n2c3h3w4i2", lambda p, x, other: x - other),
        ("subtract n2c5h3w2i2j4", lambda p, x, other: x - other),
        ("divide n2c3h3w4i2", lambda p, x, other: x / other),
        ("divide n2c5h3w2i2j1", lambda p, x, other: x / other),
        ("divide n2c5h3w2i2j2", lambda p, x, other: x / other),
    ],
}


def input_shape(p, problem, index):
    if problem.split(" ")[0] in ("add", "subtract", "multiply", "divide") and index > 0:
        ones = {1: "hw", 2: "c", 3: "chw", 4: "cw", 5: "h"}.get(p.get("j"), "")
        return (p.get("n", 1), *(1 if axis in ones else p.get(axis, 1) for axis in "chw"))
    more = index if problem.startswith("concat") else 0
    return p.get("n", 1), p.get("c", 1) + more, p.get("h", 1), p.get("w", 1)


def is_positive(problem, index):
    """layer_case_positive() of layer_case.c."""
    return problem.split(" ")[0] in (("log", "power") if index == 0 else ("divide",))


def write_case(out, scale, problem, function, parameter_shapes=(), statistics=0):
    """The last `statistics` parameters are no parameters of PyTorch: above 0.25, and changed by the function."""
    p = letters(problem)
    inputs = [golden.fill(input_shape(p, problem, i), X_STREAM + i, scale) for i in range(p.get("i", 1))]
    inputs = [(v.abs() + 1 if is_positive(problem, i) else v).requires_grad_() for i, v in enumerate(inputs)]
    parameters = [golden.fill(shape, PARAM_STREAM + i, 2.0) for i, shape in enumerate(parameter_shapes)]
    trained = len(parameters) - statistics
    parameters = [v.requires_grad_() if i < trained else v.abs() + 0.25 for i, v in enumerate(parameters)]
    y = function(p, *inputs, *parameters)
    is_loss = getattr(function, "is_loss", False)
    y.backward(torch.full_like(y, LOSS_SCALE) if is_loss else golden.fill(y.shape, DY_STREAM, 2.0))
    out.write(f"case {problem}\n")
    golden.write_line(out, "y", y.detach().reshape(-1))
    for index, tensor in enumerate(inputs):
        golden.write_line(out, f"dx{index}", tensor.grad.reshape(-1))
    for index, tensor in enumerate(parameters):
        golden.write_line(out, f"dparam{index}", (tensor.grad if index < trained else tensor).reshape(-1))


def main():
    folder = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "layers"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else folder
    for family, cases in FAMILIES.items():
        with open(folder / f"{family}.txt", "w", encoding="ascii") as out:
            for case in cases:
                write_case(out, SCALES.get(family, 2.0), *case)


if __name__ == "__main__":
    main()
