# needs: images
# 10,000 images make three batches of 3,333 and one image; blocks of one image can never train.
cat > mine.yaml <<'Y'
input: [1, 28, 28]
layers:
  - dense: {units: 10}
  - batch_norm
Y
fovea train mine.yaml --data mnist-12k --out run --epochs 1 --batch 3333 > /dev/null
fovea train mine.yaml --data mnist-12k --out run2 --epochs 1 --batch 8 --blocks 8
