# needs: images
# Which images and labels a run learns from is in config.yaml, and comes back from it.
fovea train lenet5 --data mnist-12k --out run --epochs 1 --batch 8 --accumulate 2 --sampling auto --class-weights '"3"=2, 5=0.5' \
    --set data.fraction=0.005 --set data.label_noise=0.5 --set data.pixels=shuffled --set data.seed=4 \
    --set model.initial_bias=0.1 --set optimizer.beta1=0 --optimizer adam > out
grep -E '^(training|pixels|images|losses)' out
grep -E '(initial|initial_bias|sampling|per_class|fraction|label_noise|pixels|beta1|accumulate|class_weights):' run/config.yaml
fovea train run/config.yaml --out again > /dev/null
cmp run/model.safetensors again/model.safetensors && echo same
fovea train --resume run --class-weights none 2>&1 | cut -c1-100
