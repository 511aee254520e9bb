FOVEA_ISA=sse9 fovea info 2>&1 | sed "s/this CPU has: .*/this CPU has: .../"
