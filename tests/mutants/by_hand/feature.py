"""Mistakes in the blocks that extract and extend features."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_feature = partial(Mutant, "feature.py")

MUTANTS = (
    _feature(
        "super().__init__(features, variables, params=params)\n        _start(self)\n",
        "super().__init__(features[::-1], variables, params=params)\n        _start(self)\n",
        "wrong order",
        "outputs come in reverse",
    ),
    _feature(
        "y = features[-1]",
        "y = features[0]",
        "off by one",
        "the first output is extended, not the last",
    ),
    _feature(
        "depth = max(min_depth, round(filters * reduce_ratio))",
        "depth = min(min_depth, round(filters * reduce_ratio))",
        "swap",
        "min_depth is a maximum",
    ),
    _feature(
        "depth = max(min_depth, round(filters * reduce_ratio))",
        "depth = max(min_depth, int(filters * reduce_ratio))",
        "rounding",
        "the depth is truncated",
    ),
    _feature(
        "depth = max(min_depth, round(filters * reduce_ratio))",
        "depth = max(min_depth, int(filters * reduce_ratio + 0.5))",
        "rounding",
        "half a filter is rounded up, not to even",
    ),
    _feature(
        'y = layer(y, depth, 1, 1, f"expand_trans_{{}}{i}")',
        'y = layer(y, depth, 3, 1, f"expand_trans_{{}}{i}")',
        "wrong value",
        "the transition is a 3 x 3 convolution",
    ),
    _feature(
        'y = layer(y, filters, 3, 2, f"expand_{{}}{i}")',
        'y = layer(y, filters, 3, 1, f"expand_{{}}{i}")',
        "wrong value",
        "a step does not halve",
    ),
    _feature(
        'f"expand_trans_{{}}{i}"',
        'f"expand_trans_{{}}_{i}"',
        "wrong name",
        "parameters of transitions have other names",
    ),
    _feature(
        "            features.append(y)\n",
        "            features[-1:] = [y]\n",
        "wrong value",
        "a step replaces the output before it",
    ),
    _feature(
        "        if global_pool:",
        "        if not global_pool:",
        "condition",
        "global_pool the other way round",
    ),
    _feature(
        'pool_type="avg", global_pool=True',
        'pool_type="max", global_pool=True',
        "wrong value",
        "the largest over the image for the mean",
    ),
    _feature(
        'y = _convolution(y, filters, kernel, stride, use_bn, name.format("conv"))',
        'y = _convolution(y, filters, kernel, stride, True, name.format("conv"))',
        "ignored parameter",
        "convolutions never have a bias",
    ),
    _feature(
        '                y = mx.sym.BatchNorm(y, name=name.format("bn"))\n',
        '                y = mx.sym.BatchNorm(y, name=name.format("bn"), fix_gamma=False)\n',
        "wrong default",
        "gamma is used, which gluoncv's expander fixes to 1",
    ),
    _feature(
        '                y = mx.sym.BatchNorm(y, name=name.format("bn"))\n',
        '                y = mx.sym.BatchNorm(y, name=name.format("bn"), eps=1e-5)\n',
        "eps",
        "the norm's eps is a hundredth of MXNet's default",
    ),
    _feature(
        'mx.sym.Activation(y, act_type="relu", name=name.format("relu"))',
        'mx.sym.Activation(y, act_type="sigmoid", name=name.format("relu"))',
        "wrong value",
        "a sigmoid for the relu",
    ),
    _feature(
        "zip(features[::-1], num_filters, strict=True)",
        "zip(features, num_filters, strict=True)",
        "wrong order",
        "the pyramid starts with the finest feature",
    ),
    _feature(
        "            if use_1x1:\n",
        "            if True:\n",
        "ignored parameter",
        "there are always laterals",
    ),
    _feature(
        "if use_p6 and p6_conv:\n                    p6 = convolution(y, filters, 3, 2,",
        "if use_p6 and p6_conv:\n                    p6 = convolution(y, filters, 3, 1,",
        "wrong value",
        "P6 is as large as P5",
    ),
    _feature(
        "p6 = convolution(y, filters, 3, 2,",
        "p6 = convolution(feature, filters, 3, 2,",
        "wrong input",
        "P6 is of the feature, not of its lateral",
    ),
    _feature(
        'y = mx.sym.UpSampling(y, scale=2, sample_type="nearest", name=f"{level}_upsp")',
        "y = mx.sym.contrib.BilinearResize2D(y, scale_height=2, scale_width=2)",
        "wrong formula",
        "bilinear for nearest repetition",
    ),
    _feature(
        'y = mx.sym.slice_like(y, lateral, axes=(2, 3), name=f"{level}_clip")\n',
        "",
        "missing step",
        "a level of odd size is not cropped",
    ),
    _feature(
        'y = mx.sym.ElementWiseSum(lateral, y, name=f"{level}_sum")',
        "y = lateral",
        "missing step",
        "levels are not added",
    ),
    _feature(
        "            if i == 0 and use_p6 and not p6_conv:\n                p6 = mx.sym.Pooling(\n"
        "                    out,",
        "            if i == 0 and use_p6 and not p6_conv:\n                p6 = mx.sym.Pooling(\n"
        "                    y,",
        "wrong input",
        "P6 is pooled of the lateral, not of the convolution's result",
    ),
    _feature(
        'out, pool_type="max", kernel=(1, 1), stride=(2, 2)',
        'out, pool_type="max", kernel=(2, 2), stride=(2, 2)',
        "wrong value",
        "P6 is the largest of four pixels",
    ),
    _feature(
        '            levels.append(norm(out, f"{level}_bn"))\n',
        "            levels.append(out)\n",
        "missing step",
        "levels are not normalised",
    ),
    _feature(
        "[*levels[::-1], *([p6] if use_p6 else [])]",
        "[*([p6] if use_p6 else []), *levels]",
        "wrong order",
        "outputs come coarse to fine",
    ),
    _feature(
        "        self.keywords = dict(keywords or {})\n",
        "        self.keywords = {}\n",
        "ignored parameter",
        "the norm's parameters are not looked at",
    ),
    _feature(
        "return self.layer(y, **self.keywords)",
        "return self.layer(self.layer(y, **self.keywords), **self.keywords)",
        "applied twice",
        "the norm is applied twice",
    ),
    _feature(
        'self.layer(y, **{**self.keywords, "key": name, "name": name})',
        'self.layer(y, **{**self.keywords, "key": "norm", "name": name})',
        "stale state",
        "the norms of all levels meet at one key",
        equivalent="devices meet at a key to average over a training batch; SPEC defines what comes "
        "out of given parameters, and outside of training the layer uses no key",
    ),
    _feature(
        "        pad=(kernel // 2, kernel // 2),\n",
        "        pad=(kernel // 2, 0),\n",
        "axis",
        "convolutions are padded above and below only",
    ),
    _feature(
        "        no_bias=no_bias,\n",
        "        no_bias=not no_bias,\n",
        "sign",
        "no_bias the other way round",
    ),
    _feature(
        "depth = max(min_depth, round(filters * reduce_ratio))",
        "depth = min(max(min_depth, round(filters * reduce_ratio)), 1024)",
        "wrong limit",
        "a transition has 1024 filters at most",
    ),
)
