# needs: images
# A run from a file, by its own name; the run's config.yaml is such a file and gives the same weights; paths are relative to the file.
mkdir -p plans/nets
cat > plans/small.yaml <<'END'
model: {network: nets/net.yaml, classes: 10}
data: mnist-12k
augment: {shift: 1}
optimizer: {lr: 0.03}
train: {epochs: 1, batch: 500, seed: 5}
END
cat > plans/nets/net.yaml <<'END'
name: tiny
parameters: {classes: 10}
input: [1, 28, 28]
layers:
  - max_pool2d: {kernel: 4, stride: 4}
  - dense: {units: classes}
END
fovea train plans/small.yaml --set train.seed=6 --json | sed 's/.*"weights_hash":"\([0-9a-f]*\)".*/\1/' > first
sed "s|$PWD|CASE|g" runs/small/config.yaml | grep -E ' (network|source|shift|lr|out|epochs|seed):'
fovea train plans/small.yaml --set train.seed=6 --json > /dev/null
ls runs
cd plans
fovea train ../runs/small/config.yaml --out ../again --json | sed 's/.*"weights_hash":"\([0-9a-f]*\)".*/\1/' > ../second
cd ..
cmp first second && echo the same weights
# What a run takes, before it starts; a limit that it meets in blocks, and one that it cannot.
fovea train convnetjs-mnist --data mnist-12k --batch 500 --dry-run | sed 's/[0-9.]* s forward/T s forward/; s/, loss [0-9.]*/, loss L/; s/gradient [0-9.]*/gradient G/; s/memory: .*/memory: .../; s/written by fovea.*/.../' | grep -vE '^  [a-z0-9_]*: .* # default$'
fovea train convnetjs-mnist --data mnist-12k --batch 500 --mem 17M --dry-run 2>&1 | sed -n 's/as [0-9]* blocks/as N blocks/; s/blocks: [0-9]*/blocks: N/; /warning\|blocks:/p'
fovea train convnetjs-mnist --data mnist-12k --batch 500 --mem 10M --dry-run 2> message; echo "status $?: $(sed 's/takes [0-9.]*/takes N/' message)"
fovea train convnetjs-mnist --data mnist-12k --mem 5M --dry-run; echo "status $?"
fovea train lenet5 --data mnist-12k --recipe none --dry-run --json | tr '{' '\n' | grep -A1 'optimizer.lr"' | tail -1
ls
