# A CPU without AVX-512 BF16, here by choice of the instruction set, is refused with the reason.
FOVEA_ISA=baseline fovea explain lenet5 --precision bf16
