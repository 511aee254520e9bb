for parts in train=0.8,vali=0.2 train train=0.8,train=0.1 train=x val=0.5 train=0.9,test=0.2 train=1.5; do
    fovea data split mnist-12k --parts $parts --to parts
    echo status $?
done
fovea data split mnist-12k --to parts
ls
