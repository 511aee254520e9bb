# needs: images
fovea summary lenet5 --classes 7 --input 3x32x32 | sed 's/\(at batch [0-9]*: \).*/\1.../'
fovea summary lenet5 --input 32x32
fovea summary lenet5 --input 1x4x4
fovea summary lenet5 --flags no-such
cat > mine.yaml <<'Y'
parameters: {classes: 10}
input: [1, 28, 28]
layers:
  - max_pool2d: {kernel: 4}
  - dense: {units: classes}
Y
fovea summary mine.yaml --classes 3 --input 1x32x32 | sed 's/\(at batch [0-9]*: \).*/\1.../'
fovea summary mine.yaml --flags bn
printf 'input: [1, 2, 2]\nlayers: [relu]\n' > mine.yaml
fovea summary mine.yaml --classes 3
