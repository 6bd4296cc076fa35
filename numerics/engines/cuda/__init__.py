"""The cuda engine: Triton kernels in a CUDA graph."""
