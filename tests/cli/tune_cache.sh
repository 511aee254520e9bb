# Choices are measured once, kept in the cache and in the run's folder, and a second run with them gives the same weights.
export XDG_CACHE_HOME=$PWD/cache
fovea explain convnetjs-mnist --batch 16 --tune fast --json 2>/dev/null | grep -c '"timed":"[a-z]*_[a-z0-9]*: [0-9.e-]* ms'
ls cache/fovea/tuning | sed 's/.*\.json/a file/'
fovea explain convnetjs-mnist --batch 16 --tune fast --json 2>&1 >/dev/null
echo "spoilt" >"$(ls cache/fovea/tuning/*.json)"
fovea explain convnetjs-mnist --batch 16 --tune fast --json 2>&1 >/dev/null | sed 's|/[^ ]*tuning/[^ ]*json|CACHE|'
