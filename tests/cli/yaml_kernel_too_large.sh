# needs: images
cat > mine.yaml <<'Y'
input: [1, 4, 4]
layers:
  - conv2d: {filters: 4, kernel: 5}
Y
fovea explain mine.yaml
