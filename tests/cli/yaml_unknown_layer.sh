# needs: images
cat > mine.yaml <<'Y'
input: [1, 28, 28]
layers:
  - conv2: {filters: 4, kernel: 5}
Y
fovea train mine.yaml --data mnist-12k --out run
