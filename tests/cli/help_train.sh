fovea help train
