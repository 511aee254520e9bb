fovea help data pack
