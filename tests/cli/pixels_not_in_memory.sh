# needs: images
cat > points.yaml <<'END'
name: points
input: [2, 1, 1]
layers:
  - dense: {units: 2}
  - softmax_cross_entropy
END
fovea train points.yaml --data spirals --out run --set data.pixels=shuffled
