# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the model that PyTorch exports: one stream, for the least time of a step, on float32."""
import openvino

import onnx_export


def prepare(_peer, name, mode, batch, threads):
    assert mode == "inference"
    path, images, parameters = onnx_export.export(name, batch)
    model = openvino.Core().compile_model(path, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    tensor = openvino.Tensor(images, shared_memory=True)
    return lambda: request.infer([tensor], share_inputs=True, share_outputs=True), parameters
