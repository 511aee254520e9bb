# needs: images
fovea export linear-mnist --seed 1 --to model --out a > /dev/null
fovea export lenet5 --seed 1 --to model --out b > /dev/null
fovea export lenet5 --seed 1 --to model --out c > /dev/null
fovea compare b c --data mnist-12k --images 3
echo "status $?"
fovea compare b a --data mnist-12k --images 3 --json | sed 's/"difference":[^n].*/.../'
fovea compare b nothing --images 2
