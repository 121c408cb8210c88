"""Predictors: functions of features and parameters."""

import torch
from torch.nn import functional

ACTIVATIONS = {
    None: lambda x: x,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softrelu": lambda x: x.clamp(min=0) + x.abs().neg().exp().log1p(),
    "softsign": functional.softsign,
}


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
    dtype, x, weight, bias = prepared(x, weight, bias if use_bias else None)
    out = functional.conv2d(x, weight, bias, stride=stride, padding=pad)
    return ACTIVATIONS[activation](out).to(dtype)


def FCPredictor(x, weight, bias=None, num_output=1, activation=None, use_bias=True):
    dtype, x, weight, bias = prepared(x, weight, bias if use_bias else None)
    out = functional.linear(x.reshape(x.shape[0], weight.shape[1]), weight, bias)
    return ACTIVATIONS[activation](out).to(dtype)


def prepared(*tensors):
    """Return the dtype of results, and tensors in the one that they are computed in."""
    given = [None if x is None else x if x.is_floating_point() else x.double() for x in tensors]
    dtype = given[0].dtype
    for x in given[1:]:
        dtype = dtype if x is None else torch.promote_types(dtype, x.dtype)
    computing = torch.promote_types(dtype, torch.float32)
    return dtype, *(None if x is None else x.to(computing) for x in given)
