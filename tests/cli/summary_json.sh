fovea summary convnetjs-mnist --json
