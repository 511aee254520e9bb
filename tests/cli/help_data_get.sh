fovea help data get
