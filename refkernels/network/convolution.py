"""Convolution of images, and its case of one pixel, a fully connected layer.

Arrays are in float32 or float64, and computed in their own dtype: callers widen float16 to float32
and round once at the end.

How a matrix product rounds depends on its shape, and may depend on where in a cache line its
operands begin. So that an image has the same result wherever it lies, and alone or in a batch, each
image, or each row of a fully connected layer, is multiplied by itself, from and to arrays that
begin at a cache line.
"""

import math
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.jit import jit

__all__ = [
    "Pair",
    "check_fits",
    "convolve",
    "count_windows",
    "fully_connect",
    "inside",
    "warmup",
]

Pair = tuple[int, int]

# The matrix of patches is made and multiplied in strips of about this size, so that it stays in the
# cache between the two, and memory does not grow with the image.
STRIP_BYTES = 1 << 21

# More than processors can tell apart.
MOST_BYTES = 1 << 48

# Bytes of a cache line, and of the longest vectors.
LINE = 64


def convolve(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = (1, 1),
    pad: Pair = (0, 0),
    dilate: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Cross-correlate `x` (B, C, H, W) with `weight` (F, C / groups, kh, kw), and add `bias` (F,).

    Beyond the edges, by `pad`, `x` is 0. Returns (B, F, OH, OW).
    """
    require(x.ndim == 4, f"expected images (B, C, H, W), got shape {x.shape}")
    require(weight.ndim == 4, f"expected a weight (F, C, kh, kw), got shape {weight.shape}")
    batch, channels, height, width = x.shape
    filters, depth, kernel_h, kernel_w = weight.shape
    require(
        channels == depth * groups and filters % groups == 0,
        f"weight {weight.shape} with {groups} group(s) expects {depth * groups} channels, got "
        f"input of shape {x.shape}",
    )
    require(
        bias is None or bias.shape == (filters,),
        f"expected a bias of shape {(filters,)}, got {None if bias is None else bias.shape}",
    )
    reach = (dilate[0] * (kernel_h - 1) + 1, dilate[1] * (kernel_w - 1) + 1)
    rows, columns = (
        count_windows(size, k, s, p, "valid")
        for size, k, s, p in zip((height, width), reach, stride, pad, strict=True)
    )
    check_fits((batch, filters, rows, columns), x, f"pad {pad}")
    out: Array = _aligned(1, (batch, filters, rows, columns), x.dtype)[0]
    if depth == 1 and groups > 1:
        _depthwise(
            np.ascontiguousarray(x), np.ascontiguousarray(weight), *stride, *pad, *dilate, out
        )
    elif (kernel_h, kernel_w) == stride == (1, 1) and pad == (0, 0):
        _multiply(
            _each_at_line(weight.reshape(groups, filters // groups, depth)),
            x.reshape(batch, groups, depth, rows * columns),
            out.reshape(batch, groups, filters // groups, rows * columns),
        )
    else:
        _convolve_strips(x, weight, stride, pad, dilate, groups, out)
    if bias is not None:
        out += bias[:, None, None]
    return out


def fully_connect(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Multiply `x` (..., K) by the transpose of `weight` (F, K), and add `bias` (F,)."""
    require(
        weight.ndim == 2 and x.ndim >= 1 and x.shape[-1] == weight.shape[1],
        f"expected a weight (F, {x.shape[-1] if x.ndim else 1}) for input of shape {x.shape}, "
        f"got {weight.shape}",
    )
    require(
        bias is None or bias.shape == weight.shape[:1],
        f"expected a bias of shape {weight.shape[:1]}, got {None if bias is None else bias.shape}",
    )
    filters, taps = weight.shape
    count = math.prod(x.shape[:-1])
    rows = _aligned(count, (taps, 1), x.dtype)
    rows[..., 0] = x.reshape(count, taps)
    out = np.empty((count, filters), x.dtype)
    # As many outputs at a time as leave their weights in the cache.
    step = max(1, min(filters, STRIP_BYTES // max(1, taps * x.itemsize)))
    products = _aligned(count, (step, 1), x.dtype)
    for first in range(0, filters, step):
        part = _at_line(weight[first : first + step])
        found = products[:, : len(part)]
        np.matmul(part, rows, out=found)
        out[:, first : first + step] = found[..., 0]
    if bias is not None:
        out += bias
    return out.reshape(*x.shape[:-1], filters)


def count_windows(size: int, kernel: int, stride: int, pad: int, convention: str) -> int:
    """Return how many windows there are along an axis."""
    room = size + 2 * pad - kernel
    require(
        room >= 0,
        f"x: a kernel that reaches over {kernel} pixels does not fit into {size} padded by {pad} "
        "on both sides",
    )
    return (-(-room // stride) if convention == "full" else room // stride) + 1


def check_fits(shape: tuple[int, ...], x: Array, why: str) -> None:
    """Check that a result of `shape`, in the dtype of `x`, may fit into memory."""
    require(
        math.prod(shape) * x.itemsize < MOST_BYTES,
        f"{why} makes {shape} of {x.shape}, which no memory holds",
    )


def warmup() -> None:
    """Compile the kernels for float32 and float64."""
    for dtype in (np.float32, np.float64):
        x = np.ones((1, 2, 3, 3), dtype)
        convolve(x, np.ones((2, 2, 2, 2), dtype))
        convolve(x, np.ones((2, 1, 2, 2), dtype), groups=2)


def _aligned(count: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return `count` arrays of a shape, not filled, each of which begins at a cache line."""
    size = math.prod(shape) * dtype.itemsize
    step = -(-size // LINE) * LINE
    memory = np.empty(count * step + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    lines: Array = memory[start : start + count * step].reshape(count, step)
    return lines[:, :size].view(dtype).reshape(count, *shape)


def _at_line(array: Array) -> Array:
    """Return `array` C-contiguous and from the beginning of a cache line on."""
    return array if _is_at_line(array) else _each_at_line(array[np.newaxis])[0]


def _each_at_line(arrays: Array) -> Array:
    """Return a copy of some arrays, each of which is `_at_line`."""
    copies = _aligned(len(arrays), arrays.shape[1:], arrays.dtype)
    copies[...] = arrays
    return copies


def _is_at_line(array: Array) -> bool:
    address: int = array.__array_interface__["data"][0]
    return array.flags.c_contiguous and address % LINE == 0


def _multiply(weight: Array, patches: Array, out: Array) -> None:
    """Multiply `weight` (G, F, K) by `patches` (B, G, K, P) into `out` (B, G, F, P).

    Each matrix of `weight` begins at a cache line.
    """
    for image in range(out.shape[0]):
        for group in range(out.shape[1]):
            target = out[image, group]
            product = target if _is_at_line(target) else _aligned(1, target.shape, out.dtype)[0]
            np.matmul(weight[group], _at_line(patches[image, group]), out=product)
            if product is not target:
                target[...] = product


def _convolve_strips(
    x: Array, weight: Array, stride: Pair, pad: Pair, dilate: Pair, groups: int, out: Array
) -> None:
    """Convolve as matrix products, for a strip of rows at a time."""
    filters, depth, kernel_h, kernel_w = weight.shape
    rows, columns = out.shape[2:]
    per_group = depth * kernel_h * kernel_w
    taps = groups * per_group
    strip = max(1, min(rows, STRIP_BYTES // max(1, taps * columns * x.itemsize)))
    patches = _aligned(1, (taps * strip * columns,), x.dtype)[0]
    matrices = _each_at_line(weight.reshape(groups, filters // groups, per_group))
    images = np.ascontiguousarray(x)
    for image in range(x.shape[0]):
        for first in range(0, rows, strip):
            count = min(strip, rows - first)
            part = patches[: taps * count * columns].reshape(taps, count * columns)
            _gather(images[image], kernel_h, kernel_w, *stride, *pad, *dilate, first, columns, part)
            where = slice(first * columns, (first + count) * columns)
            target = out[image].reshape(groups, filters // groups, rows * columns)[:, :, where]
            _multiply(matrices, part.reshape(1, groups, per_group, count * columns), target[None])


@jit
def inside(size, count, stride, offset):  # type: ignore[no-untyped-def]
    """Return the range of i in [0, count) for which i * stride + offset is in [0, size)."""
    first = max(0, -(offset // stride))
    last = min(count, (size - 1 - offset) // stride + 1)
    return first, max(first, last)


@jit
def _gather(  # type: ignore[no-untyped-def]
    x, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilate_h, dilate_w, first, columns, out
):
    """Fill `out` (C * kh * kw, rows * OW) with what each tap sees, from output row `first` on."""
    height, width = x.shape[1:]
    zero = x.dtype.type(0)
    for k in range(out.shape[0]):
        channel, tap = k // (kernel_h * kernel_w), k % (kernel_h * kernel_w)
        offset_h = tap // kernel_w * dilate_h - pad_h
        offset_w = tap % kernel_w * dilate_w - pad_w
        low, high = inside(width, columns, stride_w, offset_w)
        for row in range(out.shape[1] // columns):
            target = out[k, row * columns : (row + 1) * columns]
            y = (first + row) * stride_h + offset_h
            if y < 0 or y >= height or low >= high:
                target[:] = zero
                continue
            target[:low] = zero
            target[high:] = zero
            source = x[channel, y, low * stride_w + offset_w :]
            inner = target[low:high]
            if stride_w == 1:
                for i in range(inner.shape[0]):
                    inner[i] = source[i]
            elif stride_w == 2:  # a constant, so that it becomes loads and a shuffle
                for i in range(inner.shape[0]):
                    inner[i] = source[2 * i]
            else:
                for i in range(inner.shape[0]):
                    inner[i] = source[i * stride_w]


@jit
def _depthwise(  # type: ignore[no-untyped-def]
    x, weight, stride_h, stride_w, pad_h, pad_w, dilate_h, dilate_w, out
):
    """Convolve each channel by itself, one row of output at a time, which stays in L1."""
    batch, filters, rows, columns = out.shape
    channels, height, width = x.shape[1:]
    kernel_h, kernel_w = weight.shape[2:]
    zero = x.dtype.type(0)
    for image in range(batch):
        for f in range(filters):
            plane = x[image, f // (filters // channels)]
            for row in range(rows):
                target = out[image, f, row]
                target[:] = zero
                for i in range(kernel_h):
                    y = row * stride_h + i * dilate_h - pad_h
                    if y < 0 or y >= height:
                        continue
                    for j in range(kernel_w):
                        offset = j * dilate_w - pad_w
                        low, high = inside(width, columns, stride_w, offset)
                        if low >= high:
                            continue
                        tap = weight[f, 0, i, j]
                        source = plane[y, low * stride_w + offset :]
                        inner = target[low:high]
                        if stride_w == 1:
                            for k in range(inner.shape[0]):
                                inner[k] += tap * source[k]
                        elif stride_w == 2:
                            for k in range(inner.shape[0]):
                                inner[k] += tap * source[2 * k]
                        else:
                            for k in range(inner.shape[0]):
                                inner[k] += tap * source[stride_w * k]
