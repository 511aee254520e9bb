fovea zoo
fovea zoo --names
