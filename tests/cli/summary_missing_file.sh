fovea summary nets/mine.yaml
