"""The mark of tests that are of use, or of a time that one can wait, where kernels are compiled."""

import numba
import pytest

__all__ = ["needs_compiler"]

needs_compiler = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="of compiled kernels, or takes minutes as plain Python"
)
