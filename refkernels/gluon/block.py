"""Blocks with inputs that are meant to be reals."""

from inspect import signature
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

__all__ = ["RealBlock"]

REAL = (np.float16, np.float32, np.float64)


class RealBlock(HybridBlock):
    """A block that refuses integers where reals are meant, imperative and hybridised.

    The operators make float64 of integers. A graph does not know the dtypes that it will be called
    with, and MXNet makes float32 of integers in it, which does not hold them all. So the caller has
    to say which reals they are. Where a block is part of a hybridised one, or exported, it is not
    called any more, and takes integers for float32.

    Attributes
    ----------
    reals : tuple of str
        The inputs of `hybrid_forward` that are meant to be reals.
    """

    reals: tuple[str, ...] = ("x",)

    def __call__(self, *args: Any) -> Any:
        """Check the dtypes of arrays, and compute."""
        names = list(signature(self.hybrid_forward).parameters)[1:]
        for name, array in zip(names, args, strict=False):
            if name in self.reals and isinstance(array, mx.nd.NDArray) and array.dtype not in REAL:
                found = np.dtype(array.dtype).name
                raise TypeError(
                    f"{name}: expected float16, float32 or float64, got {found}; "
                    f"{name}.astype('float64') holds every integer up to 2**53"
                )
        return super().__call__(*args)
