# Ten records of CIFAR-10: a label and 3,072 pixels each.
mkdir cifar
for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    for label in 000 001 002 003 004 005 006 007 010 011; do
        printf "\\$label"
        head -c 3072 /dev/zero
    done > cifar/$file.bin
done
fovea train lenet5 --data cifar --out run
status=$?
ls
exit $status
