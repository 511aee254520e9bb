printf 'again\n' | fovea bench lenet5 --batch 1 --seconds 0.001 --mode inference --wait --json |
    sed 's/^{"images_per_second":[1-9].*/a rate/; s/^{"name":"lenet5".*"train":null,"inference":{.*/the whole/'
fovea bench lenet5 --wait --json
