"""Hold implementations of the operators to the kernels, and the kernels to the definitions."""
