fovea help data corrupt
