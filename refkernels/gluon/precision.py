"""Compute float16 in float32 inside a graph that does not know its dtype yet (SPEC section 0).

A hybrid block is traced once and then called with any dtype, so its casts must depend on the dtype
of what arrives. MXNet's ``Cast`` takes a fixed dtype, and ``amp_cast`` and ``amp_multicast`` fail
on float64 or float16 under oneDNN. Two NumPy-compatible operators do depend on their inputs'
dtypes: multiplication of mixed dtypes gives the wider one, and ``insert`` gives the dtype of the
array that is inserted into.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["as_real", "common_like", "constant_like", "constants_like", "narrow", "widen"]


def widen(F: Any, *arrays: Any) -> Any:
    """Return the arrays in the dtype they are computed in: the widest of all and float32.

    No gradient flows back through them, since targets are constants of training.

    Parameters
    ----------
    F : module
        ``mx.nd`` or ``mx.sym``.
    *arrays : NDArray or Symbol
        Not empty. Integers become float32, MXNet's default real dtype.

    Returns
    -------
    NDArray or Symbol, or a list of them if several are given
    """
    one = F.ones((1,))
    if len(arrays) > 1:
        one = _multiply(F, one, _one_like(F, common_like(F, *arrays)))
    wide = [_multiply(F, F.BlockGrad(array), one) for array in arrays]
    return wide[0] if len(wide) == 1 else wide


def common_like(F: Any, *arrays: Any) -> Any:
    """Return an array of one element whose dtype is that of real outputs for these inputs."""
    like = _divide(F, *[_one_like(F, arrays[0])] * 2)
    for array in arrays[1:]:
        like = _multiply(F, like, _divide(F, *[_one_like(F, array)] * 2))
    return like


def as_real(F: Any, array: Any) -> Any:
    """Return the array in its own real dtype, without gradient; integers become float32."""
    return _multiply(F, F.BlockGrad(array), common_like(F, array))


def constant_like(F: Any, value: float, like: Any) -> Any:
    """Return an array of one element: `value`, rounded once to the real dtype of `like`.

    A Python number in an expression (``x > 0.7``) is not that: MXNet hands it on as a decimal
    string, and reads one in ten back as a neighbour; then it rounds to float32 on the way to
    float16. Whole numbers below 2^53 do arrive as they are.
    """
    return _constant(F, value, *_narrowness(F, like))


def constants_like(F: Any, values: Iterable[float], like: Any) -> Any:
    """Return an array of these values, each as `constant_like` makes it."""
    narrowness = _narrowness(F, like)
    return F.concat(*(_constant(F, value, *narrowness) for value in values), dim=0)


def _narrowness(F: Any, like: Any) -> tuple[Any, Any, Any]:
    """Return 1 in the real dtype of `like`, whether that is float16, and whether no float64."""
    one = _one_like(F, like)
    # Only in float16 is 2049 equal to 2048; float32 is the next to run out of digits.
    return one, one * 2049 == 2048, one * (2**24 + 1) == 2**24


def _constant(F: Any, value: float, one: Any, is_half: Any, is_narrow: Any) -> Any:
    with np.errstate(over="ignore"):
        half, single = float(np.float16(value)), float(np.float32(value))
    fraction, exponent = math.frexp(value)
    double, exponent = one * int(fraction * 2**53), exponent - 53
    while exponent:
        step = min(abs(exponent), 52)
        double = double * 2**step if exponent > 0 else double / 2**step
        exponent += -step if exponent > 0 else step
    return F.where(is_narrow, F.where(is_half, one * half, one * single), double)


def narrow(F: Any, array: Any, like: Any) -> Any:
    """Round `array` once to the dtype of `like`, whatever the two dtypes are.

    No gradient flows through: MXNet's insert has none.
    """
    insert = F.numpy._internal.insert_scalar
    rounded = insert(
        F.slice_axis(F.reshape(like, shape=(-1,)), axis=0, begin=0, end=1).as_np_ndarray(),
        F.reshape(array, shape=(-1,)).as_np_ndarray(),
        int_ind=0,
        axis=0,
    ).as_nd_ndarray()
    return F.reshape_like(F.BlockGrad(F.slice_axis(rounded, axis=0, begin=0, end=-1)), array)


def _one_like(F: Any, array: Any) -> Any:
    return F.ones_like(F.slice_axis(F.reshape(array, shape=(-1,)), axis=0, begin=0, end=1))


def _multiply(F: Any, a: Any, b: Any) -> Any:
    return F.numpy._internal.multiply(a.as_np_ndarray(), b.as_np_ndarray()).as_nd_ndarray()


def _divide(F: Any, a: Any, b: Any) -> Any:
    return F.numpy._internal.true_divide(a.as_np_ndarray(), b.as_np_ndarray()).as_nd_ndarray()
