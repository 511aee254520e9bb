# needs: images
cat > mine.yaml <<'Y'
input: [1, 28, 28]
layers:
  - conv2d: {filtres: 4, kernel: 5}
  - dense: {units: 10}
Y
fovea summary mine.yaml
