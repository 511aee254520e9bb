fovea help lr-find | sed -n '1,/^  --json/p'
