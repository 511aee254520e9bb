# needs: images
# A drawing of the graph, with the stages of layers and the backward pass; and what is told about mistakes.
printf "input: [1, 2, 2]\nlayers: [relu, dense: {units: 3}]\n" > net.yaml
fovea summary net.yaml --dot --inside --backward
fovea summary net.yaml --dot --out net.dot && head -1 net.dot
fovea summary net.yaml --inside
fovea summary net.yaml --dot --out net.bmp
PATH= "$FOVEA" summary net.yaml --dot --out net.svg
