# needs: images
fovea data split mnist-12k --parts train=0.9,val=0.1 --to parts
fovea data info parts | head -n 4
fovea data split mnist-12k --parts train=0.9,val=0.1 --to parts
echo status $?
mkdir -p photos/ant photos/bee
for i in 1 2 3 4 5 6 7 8; do
    printf 'P2 2 1 255\n%d 7\n' $i > photos/ant/$i.pgm
    printf 'P2 2 1 255\n%d 9\n' $i > photos/bee/$i.pgm
done
cp photos/ant/1.pgm photos/ant/copy.pgm
fovea data split photos --parts train=0.5,val=0.25,test=0.25 --to divided --seed 3
fovea data info divided
sed "s|$PWD|HERE|" divided/test.csv
