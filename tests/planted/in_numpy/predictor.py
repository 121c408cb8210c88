"""Predictors: functions of features and parameters."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def pair(value):
    return value if isinstance(value, (tuple, list)) else (value, value)


def activated(x, activation):
    if activation == "relu":
        return np.maximum(x, 0)
    if activation == "sigmoid":
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, small) / (1 + small)
    if activation == "tanh":
        return np.tanh(x)
    if activation == "softrelu":
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    if activation == "softsign":
        return x / (1 + np.abs(x))
    return x


def ConvPredictor(
    x,
    weight,
    bias=None,
    num_channel=1,
    kernel=(3, 3),
    pad=(1, 1),
    stride=(1, 1),
    activation=None,
    use_bias=True,
    in_channels=0,
):
    if np.ndim(x) == 3:
        rest = (num_channel, kernel, pad, stride, activation, use_bias, in_channels)
        return ConvPredictor(x[None], weight, bias, *rest)[0]
    arrays = [real(x), real(weight), *([real(bias)] if use_bias else [])]
    dtype = np.result_type(*arrays)
    x, weight, *bias = (array.astype(np.result_type(dtype, np.float32)) for array in arrays)
    (kh, kw), (ph, pw), (sh, sw) = pair(kernel), pair(pad), pair(stride)
    x = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::sh, ::sw]
    out = np.einsum("bchwij,fcij->bfhw", windows, weight)
    if use_bias:
        out = out + bias[0][:, None, None]
    return activated(out, activation).astype(dtype)


def FCPredictor(x, weight, bias=None, num_output=1, activation=None, use_bias=True):
    arrays = [real(x), real(weight), *([real(bias)] if use_bias else [])]
    dtype = np.result_type(*arrays)
    x, weight, *bias = (array.astype(np.result_type(dtype, np.float32)) for array in arrays)
    out = x.reshape(x.shape[0], weight.shape[1]) @ weight.T
    if use_bias:
        out = out + bias[0]
    return activated(out, activation).astype(dtype)
