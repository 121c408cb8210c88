"""Kernels that assign an image without the matrix of its IoUs, over tiles of anchors."""
