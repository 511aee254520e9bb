# needs: images
cat > mine.yaml <<'Y'
input: [1, 28, 28]
layers:
  - conv2d: {filters: 4, kernel: 5, padding: same}
  - relu
  - max_pool2d: {kernel: 4}
  - dense: {units: 10}
Y
fovea summary mine.yaml | sed 's/\(at batch [0-9]*: \).*/\1.../'


