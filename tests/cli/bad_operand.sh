# needs: images
# Files that are neither an experiment nor the description of a network, and nothing is said of missing data.
try() {
    printf -- "$1" > e.yaml
    fovea train e.yaml 2>&1 | head -1
}
try ''
try '# nothing but a comment\n'
try 'lenet5\n'
try '- lenet5\n- mnist-12k\n'
try '42\n'
try 'version: 3\nservices: {web: {image: nginx}}\n'
try 'modle: lenet5\ndata: mnist-12k\n'
try 'lr: 0.1\n'
try 'model: lenet5\n'
try 'input: [1, 28, 28]\n'
try 'model: lenet5\nlayers: [relu]\n'
printf '\211PNG\r\n\032\n\000' > e.yaml && fovea train e.yaml 2>&1 | head -1
printf 'model: lenet5\n' > e.yml && fovea train e.yml 2>&1 | head -1
printf 'model: lenet5\n' > e.txt && fovea train e.txt 2>&1 | head -1
fovea train . 2>&1 | head -1
