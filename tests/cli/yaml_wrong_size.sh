# needs: images
cat > mine.yaml <<'Y'
input: [1, 224, 224]
layers:
  - max_pool2d: {kernel: 32}
  - dense: {units: 10}
Y
fovea train mine.yaml --data mnist-12k --out run
