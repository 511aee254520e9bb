# needs: downloads
# Nobody listens there; how curl says so depends on its version.
mkdir home
export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 no_proxy= NO_PROXY= XDG_DATA_HOME=$PWD/home
fovea data get mnist 2>&1 | sed -E 's/: [^:]*127\.0\.0\.1[^;]*(; trying|\. Is there)/: NOBODY\1/; s/: Could[^;]*(; trying|\. Is there)/: NOBODY\1/'
[ -e home/fovea/mnist ] || echo no folder
