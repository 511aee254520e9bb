# needs: images
# What can be wrong in an experiment file, each with file, line and column, status 2, and no data touched: data.source is none.
case_() {
    printf -- "$1" > e.yaml
    fovea train e.yaml --out run 2> message
    echo "status $?: $(head -1 message)"
}
begin='model: lenet5\ndata: no-such-data\n'
case_ "${begin}train: {epocs: 3}\n"
case_ "${begin}trian: {epochs: 3}\n"
case_ "${begin}train: {epochs: ten}\n"
case_ "${begin}train: {epochs: 2.5}\n"
case_ "${begin}train: {epochs: '3'}\n"
case_ "${begin}train: {epochs: 0}\n"
case_ "${begin}train: {epochs: -1}\n"
case_ "${begin}train: {epochs: 1e9}\n"
case_ "${begin}train: {epochs: [3]}\n"
case_ "${begin}train: {epochs: {first: 3}}\n"
case_ "${begin}train: {epochs: 3, epochs: 4}\n"
case_ "${begin}train: {seed: 99999999999999999999}\n"
case_ "${begin}train: {lr: 0.1}\n"
case_ "${begin}lr: 0.1\n"
case_ "${begin}train: 3\n"
case_ "${begin}train: [epochs]\n"
case_ "${begin}train: {batch: 8, blocks: 9}\n"
case_ "${begin}train: {memory: 2 gigabytes}\n"
case_ "${begin}train: {memory: -1}\n"
case_ "${begin}train: {precision: f16}\n"
case_ "${begin}train: {tune: fats}\n"
case_ "${begin}optimizer: {lr: .inf}\n"
case_ "${begin}optimizer:\n  lr: 0,5\n"
case_ "${begin}optimizer: {lr: 0}\n"
case_ "${begin}optimizer: {momentum: 1}\n"
case_ "${begin}optimizer: {decay: true}\n"
case_ "${begin}optimizer: {learning_rate: 0.1}\n"
case_ "${begin}schedule: cosin\n"
case_ "${begin}schedule: {kind: cosine, warmup: 11}\ntrain: {epochs: 10}\n"
case_ "${begin}augment: {flip: yes}\n"
case_ "${begin}augment: {shift: 65}\n"
case_ "${begin}augment: [horizontal_flop]\n"
case_ "${begin}augment: [{random_crop: {pading: 4}}]\n"
case_ "${begin}augment: [{random_crop: {padding: 4}, cutout: {size: 2}}]\n"
case_ "${begin}augment: [[horizontal_flip]]\n"
case_ "${begin}augment:\n  - random_crop: 4\n"
case_ "${begin}augment: {transforms: 'cutout(size=-1)'}\n"
case_ "${begin}augment: {transforms: 'cutout(size=3'}\n"
case_ "${begin}optimizer: adma\n"
case_ "${begin}optimizer: {kind: adagrad, momentum: 0.9}\n"
case_ "${begin}optimizer: {groups: 'conv1.*('}\n"
case_ "${begin}optimizer: {beta1: 1}\n"
case_ "${begin}schedule: {kind: piecewise}\n"
case_ "${begin}schedule: {kind: piecewise, points: '1:1'}\n"
case_ 'model: {network: lenet6}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, classes: many}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, input: 28x28}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, input: [1, 28]}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, input: [1, 4, 4]}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, flags: wide}\ndata: no-such-data\n'
case_ 'model: {network: lenet5, recipe: papr}\ndata: no-such-data\n'
case_ 'model: {network: ""}\ndata: no-such-data\n'
case_ 'model: lenet5\n'
case_ 'data: mnist-12k\n'
case_ 'model: &net lenet5\ndata: no-such-data\n'
case_ 'model: !!str lenet5\ndata: no-such-data\n'
case_ 'model: *net\n'
case_ 'model: lenet5\n---\nmodel: lenet5\n'
case_ 'model: {network: lenet5\n'
case_ 'model:\n\tnetwork: lenet5\n'
case_ '- model\n'
case_ 'lenet5\n'
case_ ''
case_ 'model: "\\xff"\ndata: no-such-data\n'
# Reported as what they are: a file that is not there, a folder, one that may not be read.
fovea train missing.yaml --data mnist-12k --out run; echo "status $?"
mkdir folder.yaml; fovea train folder.yaml --data mnist-12k --out run; echo "status $?"
ls
