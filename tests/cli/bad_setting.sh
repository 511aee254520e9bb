# What can be wrong in --set and the options of keys: status 2, and nothing is written.
case_() {
    fovea train lenet5 --data mnist-12k --out run "$@" 2> message
    echo "status $?: $(head -1 message)"
}
case_ --set train.epochs=0
case_ --set train.epochs=
case_ --set train.epochs
case_ --set =3
case_ --set epochs=3
case_ --set train.epoch=3
case_ --set optimizer.lr=0,5
case_ --set optimizer.lr=nan
case_ --set optimizer.lr=0x1p-3
case_ --set optimizer.lr=1e400
case_ --set model.input=3x32
case_ --set model.input=3x32x0
case_ --set data.source=
case_ --set schedule.kind=Cosine
case_ --set augment.flip=1
case_ --mem 2Q
case_ --mem 0
case_ --recipe papre
case_ --recipe ../lenet5/default
case_ --recipe ''
case_ --threads 1025
case_ --seed 1.5
case_ --batch 65537
case_ --tune slow
case_ --out ''
case_ --dry-run=maybe
ls
