fovea help data split
