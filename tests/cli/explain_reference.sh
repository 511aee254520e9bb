fovea explain convnetjs-mnist --batch 2 --mode predict --reference --threads 1 | sed "s/memory .*//"
