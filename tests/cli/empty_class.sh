# needs: images
# A class folder without images, all of them, an empty folder, a folder of images alone: nothing is begun.
mkdir -p set/a set/b set/cats none/a none/b nothing
for i in 1 2 3 4; do
    printf 'P5 4 4 255\nabcdefghijklmno%s' $i > set/a/$i.pgm
    printf 'P5 4 4 255\n%sbcdefghijklmnop' $i > set/cats/$i.pgm
done
printf 'input: [1, 4, 4]\nlayers:\n  - dense: {units: 3}\n' > net.yaml
fovea train net.yaml --data set --out run --epochs 1 --batch 4 --json > /dev/null; echo "status $?"
fovea train net.yaml --data none --out run2 --epochs 1; echo "status $?"
fovea train net.yaml --data nothing --out run2 --epochs 1; echo "status $?"
fovea train net.yaml --data set/a --out run2 --epochs 1; echo "status $?"
ls
