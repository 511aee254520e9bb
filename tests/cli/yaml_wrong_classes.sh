# needs: images
cat > mine.yaml <<'Y'
input: [1, 28, 28]
layers:
  - dense: {units: 7}
Y
fovea train mine.yaml --data mnist-12k --out run
status=$?
ls
exit $status
