# needs: images
cat > mine.yaml <<'Y'
name: mine
input: [1, 5, 5]
layers:
  - conv2d: {filters: 2, kernel: 3}
  - tanh
  - dense: {units: 3}
Y
fovea gradcheck mine.yaml --elements -1 --json | sed 's/:-\{0,1\}[0-9.][0-9.e-]*\([,}]\)/:N\1/g; s/"worst_name":"[^"]*"/"worst_name":"..."/'
