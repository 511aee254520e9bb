fovea help data augment
