# The scripts must at least be scripts.
fovea help --completion bash > script && bash -n script && echo bash reads it
bash -c '. ./script; COMP_WORDS=(fovea tra); COMP_CWORD=1; _fovea; echo "${COMPREPLY[@]}"
COMP_WORDS=(fovea train --ep); COMP_CWORD=2; _fovea; echo "${COMPREPLY[@]}"
COMP_WORDS=(fovea eval m --split t); COMP_CWORD=4; _fovea; echo "${COMPREPLY[@]}"'
fovea help --completion zsh | head -1
fovea help --completion fish
