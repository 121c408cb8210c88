"""MXNet's ways to give an array another shape, which touch no number in it."""

from refkernels.arrays import Array, require

__all__ = ["expand_dims", "reshape", "reshape_like", "squeeze"]


def reshape(x: Array, *, codes: tuple[int, ...], reverse: bool = False) -> Array:
    """Reshape by lengths and codes: 0 an axis of `x`, -1 the rest, -2 all others, -3 two as one.

    With `reverse` codes and axes are matched from the last to the first.
    """
    step = -1 if reverse else 1
    axes, shape = list(x.shape[::step]), []
    at = 0
    for code in codes[::step]:
        if code == -2:
            shape += axes[at:]
            at = len(axes)
            continue
        used = 2 if code == -3 else 1
        require(
            code >= -3 and (code not in (0, -3) or at + used <= len(axes)),
            f"cannot reshape {x.shape} by {codes}; supported are lengths, 0, -1, -2 and -3",
        )
        if code == -3:
            shape.append(axes[at] * axes[at + 1])
        else:
            shape.append(axes[at] if code == 0 else code)
        at += used
    known = 1
    for length in shape:
        known *= length if length != -1 else 1
    fits = x.size == known
    if -1 in shape:
        fits = shape.count(-1) == 1 and known > 0 and x.size % known == 0
    require(fits, f"cannot reshape {x.shape} by {codes}")
    return x.reshape(shape[::step])


def reshape_like(
    x: Array,
    like: Array,
    *,
    lhs_begin: int | None = None,
    lhs_end: int | None = None,
    rhs_begin: int | None = None,
    rhs_end: int | None = None,
) -> Array:
    """Give axes ``lhs_begin:lhs_end`` of `x` the shape of ``rhs_begin:rhs_end`` of `like`."""
    start, stop, _ = slice(lhs_begin, lhs_end).indices(x.ndim)
    shape = (*x.shape[:start], *like.shape[rhs_begin:rhs_end], *x.shape[stop:])
    size = 1
    for length in shape:
        size *= length
    require(size == x.size, f"cannot reshape {x.shape} to {shape}, as in {like.shape}")
    return x.reshape(shape)


def expand_dims(x: Array, *, axis: int) -> Array:
    """Insert an axis of length 1."""
    require(-x.ndim - 1 <= axis <= x.ndim, f"axis {axis} is out of range for shape {x.shape}")
    axis = axis if axis >= 0 else axis + x.ndim + 1
    return x.reshape(*x.shape[:axis], 1, *x.shape[axis:])


def squeeze(x: Array, *, axes: tuple[int, ...] = ()) -> Array:
    """Drop axes of length 1: those given, or all."""
    for axis in axes:
        require(-x.ndim <= axis < x.ndim, f"axis {axis} is out of range for shape {x.shape}")
        require(x.shape[axis] == 1, f"axis {axis} of shape {x.shape} is not of length 1")
    dropped = {axis % x.ndim for axis in axes} or {i for i, n in enumerate(x.shape) if n == 1}
    return x.reshape([n for i, n in enumerate(x.shape) if i not in dropped])
