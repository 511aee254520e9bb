# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the model that PyTorch exports."""
import onnxruntime

import onnx_export


def prepare(_peer, name, mode, batch, threads):
    assert mode == "inference"
    path, images, parameters = onnx_export.export(name, batch)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, feed), parameters
