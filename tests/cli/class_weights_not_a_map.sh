# needs: images
cat > digits.yaml <<'END'
model: lenet5
data: {source: mnist-12k, sampling: {3: lots}}
END
fovea train digits.yaml --out run
