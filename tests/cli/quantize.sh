# needs: images
# A network that learned for a moment, in 8 bits: written with --allow-slower, run by the other commands, refused twice.
fovea train lenet5 --data mnist-12k --out run --epochs 1 --batch 256 --threads 2 --json > /dev/null
quick="--data mnist-12k --images 64 --seconds 0.01 --threads 2"
fovea quantize run/model.safetensors $quick --out small.safetensors --allow-slower | grep -E '^(layer|conv1|fc3|parameters|wrote)' | sed 's/  *[0-9.-]* dB  *[^ ]*\.\.[^ ]*/ .../'
fovea summary small.safetensors | grep '8 bits'
fovea explain small.safetensors --batch 4 | grep -E '^(conv1|pool1|fc1)' | sed -E 's/int8_[a-z0-9]+/int8_.../; s/ +/ /g'
close() { echo "$1 $2" | awk '{ print ($1 - $2 < 0.02 && $2 - $1 < 0.02) ? "about the same" : "differ: " $0 }'; }
accuracy() { fovea eval "$@" --data mnist-12k --json | sed 's/.*"accuracy": *\([0-9.]*\).*/\1/'; }
close "$(accuracy small.safetensors)" "$(accuracy run/model.safetensors)"
close "$(accuracy small.safetensors)" "$(accuracy small.safetensors --precision f32)"
fovea quantize small.safetensors $quick --out again.safetensors
fovea eval run/model.safetensors --data mnist-12k --precision int8
fovea train small.safetensors --data mnist-12k --out other --epochs 1
fovea quantize run/model.safetensors $quick --percentile 50 --margin 0 --allow-slower --out worse.safetensors 2>&1 > /dev/null | sed -E 's/[0-9.]+( points|%)/N\1/g'
ls
