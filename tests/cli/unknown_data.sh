fovea train lenet5 --data mnist-12 --out run > out 2>&1
echo "status $?"
head -c 120 out | head -1 | cut -d: -f1-2
ls
