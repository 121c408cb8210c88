"""Networks that are cut, or cut and extended, to give features, as blocks (SPEC section 5).

See `refkernels.feature` for what they mean. Their layers are MXNet's own, in the dtype of what
comes in: float16 works where MXNet's layers take it, which is on a GPU. There is always a batch
axis.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock, SymbolBlock
from mxnet.symbol import Symbol

from refkernels.arrays import check_flag, check_integer, require, shown
from refkernels.arrays.printing import times
from refkernels.feature.expander import checked_filters, checked_ratio
from refkernels.gluon.network import cut_network

__all__ = ["FPNFeatureExpander", "FeatureExpander", "FeatureExtractor"]

Names = str | Sequence[str]
Inputs = str | Sequence[str | Symbol]


class _FeatureBlock(SymbolBlock):
    """A `SymbolBlock` that loads what it saves."""

    def load_parameters(
        self,
        filename: str,
        ctx: Any = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        cast_dtype: bool = False,
        dtype_source: str = "current",
    ) -> None:
        """Load parameters that this block's ``save_parameters`` wrote, or ``collect_params``.

        ``save_parameters`` leaves off the prefix that all names share, where MXNet's own
        ``load_parameters`` expects it.
        """
        saved, own = mx.nd.load(filename), self._collect_params_with_prefix()
        if not isinstance(saved, dict) or not saved.keys() <= own.keys():
            super().load_parameters(
                filename, ctx, allow_missing, ignore_extra, cast_dtype, dtype_source
            )
            return
        missing = [name for name in own if name not in saved]
        require(
            allow_missing or not missing,
            f"{filename}: parameter {', '.join(missing[:1])!r} is missing; allow_missing=True "
            "leaves it as it is",
        )
        for name, array in saved.items():
            own[name]._load_init(array, ctx, cast_dtype=cast_dtype, dtype_source=dtype_source)


class FeatureExtractor(_FeatureBlock):
    """A network cut at some of its internal outputs.

    Parameters
    ----------
    network : str, HybridBlock or Symbol
        A name is looked up in ``gluoncv.model_zoo`` where that is installed, and in
        ``mxnet.gluon.model_zoo.vision``. A block's parameters are shared, not copied.
    outputs : str or sequence of str
        The internals to return, without the network's prefix or with it; ``_output`` may be left
        off.
    inputs : sequence of str or Symbol, default ('data',)
    pretrained : bool or str, default False
        Whether a network given by name takes its parameters from a file on disk, in the folder that
        the model zoo keeps them in; nothing is downloaded. A string is the beginning of the hash.
    ctx : Context, default cpu(0)
        Where those parameters go.
    **kwargs
        For the model zoo's function that builds the network.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If the network or a layer is unknown (the nearest names are listed), is of the wrong type,
        or has no file on disk.

    References
    ----------
    SPEC section 5.
    """

    def __init__(
        self,
        network: Any,
        outputs: Names,
        inputs: Inputs = ("data",),
        pretrained: bool | str = False,
        ctx: Any = mx.cpu(),  # noqa: B008
        **kwargs: Any,
    ) -> None:
        variables, features, params = cut_network(
            network, outputs, inputs, pretrained, ctx, **kwargs
        )
        super().__init__(features, variables, params=params)
        _start(self)


class FeatureExpander(_FeatureBlock):
    """A network extended by convolutions of stride 2, each of which is one more output.

    Parameters
    ----------
    network, outputs
        As in `FeatureExtractor`. The last of `outputs` is extended.
    num_filters : sequence of int
        One for each step.
    use_1x1_transition : bool, default True
        Whether there is a 1x1 convolution of ``max(min_depth, round(filters * reduce_ratio))``
        filters before each 3x3 convolution of stride 2.
    use_bn : bool, default True
        Whether batch normalisation comes after each convolution; without it they have a bias.
    reduce_ratio : float, default 1.0
    min_depth : int, default 128
    global_pool : bool, default False
        Whether the mean of the last output over the whole image is one more output.
    pretrained, ctx, inputs, **kwargs
        As in `FeatureExtractor`.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As in `FeatureExtractor`, or if a parameter is out of range.

    References
    ----------
    SPEC section 5. Liu et al., "SSD: Single Shot MultiBox Detector", 2016, section 2.1.
    """

    def __init__(
        self,
        network: Any,
        outputs: Names,
        num_filters: Sequence[int],
        use_1x1_transition: bool = True,
        use_bn: bool = True,
        reduce_ratio: float = 1.0,
        min_depth: int = 128,
        global_pool: bool = False,
        pretrained: bool | str = False,
        ctx: Any = mx.cpu(),  # noqa: B008
        inputs: Inputs = ("data",),
        **kwargs: Any,
    ) -> None:
        num_filters = checked_filters(num_filters)
        check_flag("use_1x1_transition", use_1x1_transition)
        check_flag("use_bn", use_bn)
        check_flag("global_pool", global_pool)
        reduce_ratio = checked_ratio(reduce_ratio, num_filters)
        min_depth = check_integer("min_depth", min_depth, low=1, high=2**31 - 1)
        variables, features, params = cut_network(
            network, outputs, inputs, pretrained, ctx, **kwargs
        )
        weights: list[str] = []

        def layer(y: Symbol, filters: int, kernel: int, stride: int, name: str) -> Symbol:
            """Append a convolution; `name` has a gap for what part of the layer is named."""
            y = _convolution(y, filters, kernel, stride, use_bn, name.format("conv"))
            weights.append(name.format("conv") + "_weight")
            if use_bn:
                y = mx.sym.BatchNorm(y, name=name.format("bn"))
            return mx.sym.Activation(y, act_type="relu", name=name.format("relu"))

        y = features[-1]
        for i, filters in enumerate(num_filters):
            if use_1x1_transition:
                depth = max(min_depth, round(filters * reduce_ratio))
                y = layer(y, depth, 1, 1, f"expand_trans_{{}}{i}")
            y = layer(y, filters, 3, 2, f"expand_{{}}{i}")
            features.append(y)
        if global_pool:
            features.append(mx.sym.Pooling(y, pool_type="avg", global_pool=True, kernel=(1, 1)))
        super().__init__(features, variables, params=params)
        _start(self, weights, mx.init.Xavier("gaussian", factor_type="out", magnitude=2))


class FPNFeatureExpander(_FeatureBlock):
    """A network extended by a feature pyramid; its outputs come fine to coarse.

    Parameters
    ----------
    network, outputs
        As in `FeatureExtractor`, `outputs` from fine to coarse.
    num_filters : sequence of int
        One for each output, from coarse to fine.
    use_1x1, use_upsample, use_elewadd : bool, default True
        Whether there are laterals, repetition, and sums. Without sums a level is that below it.
    use_p6 : bool, default False
        Whether there is one more, coarsest output.
    p6_conv : bool, default True
        Whether that one is a 3x3 convolution of stride 2 of the deepest lateral, or every second
        pixel of the deepest 3x3 convolution's result (before its normalisation, as in gluoncv).
    no_bias : bool, default True
        Whether convolutions are without a bias.
    pretrained : bool or str, default False
        As in `FeatureExtractor`.
    norm_layer : callable or type, optional
        What comes after each convolution: a function of symbols such as ``mx.sym.BatchNorm`` or
        ``mx.sym.contrib.SyncBatchNorm``, or a HybridBlock's class such as ``nn.BatchNorm``.
    norm_kwargs : mapping, optional
        For `norm_layer`; it is not modified.
    ctx, inputs
        As in `FeatureExtractor`.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As in `FeatureExtractor`; and if there are not as many filters as outputs.

    References
    ----------
    SPEC section 5. Lin et al., "Feature Pyramid Networks for Object Detection", 2017, section 3.
    """

    def __init__(
        self,
        network: Any,
        outputs: Names,
        num_filters: Sequence[int],
        use_1x1: bool = True,
        use_upsample: bool = True,
        use_elewadd: bool = True,
        use_p6: bool = False,
        p6_conv: bool = True,
        no_bias: bool = True,
        pretrained: bool | str = False,
        norm_layer: Any = None,
        norm_kwargs: Mapping[str, Any] | None = None,
        ctx: Any = mx.cpu(),  # noqa: B008
        inputs: Inputs = ("data",),
    ) -> None:
        given, num_filters = num_filters, checked_filters(num_filters)
        for name, flag in (
            ("use_1x1", use_1x1),
            ("use_upsample", use_upsample),
            ("use_elewadd", use_elewadd),
            ("use_p6", use_p6),
            ("p6_conv", p6_conv),
            ("no_bias", no_bias),
        ):
            check_flag(name, flag)
        variables, features, params = cut_network(network, outputs, inputs, pretrained, ctx)
        require(
            len(num_filters) == len(features),
            f"num_filters: expected one for each of {times(len(features), 'output')}, got "
            f"{given!r}",
        )
        norm = _Norm(norm_layer, norm_kwargs)
        weights: list[str] = []

        def convolution(y: Symbol, filters: int, kernel: int, stride: int, name: str) -> Symbol:
            """Append a convolution, and note the name of its weight."""
            weights.append(f"{name}_weight")
            return _convolution(y, filters, kernel, stride, no_bias, name)

        # With the usual four levels they are P5 to P2, after the stages of a residual network.
        deepest = len(num_filters) + 1
        levels: list[Symbol] = []
        y = p6 = None
        for i, (feature, filters) in enumerate(zip(features[::-1], num_filters, strict=True)):
            level, lateral = f"P{deepest - i}", feature
            if use_1x1:
                lateral = convolution(feature, filters, 1, 1, f"{level}_conv_lat")
                lateral = norm(lateral, f"{level}_{'conv1' if i else 'lat'}_bn")
            if i == 0:
                y = lateral
                if use_p6 and p6_conv:
                    p6 = convolution(y, filters, 3, 2, f"P{deepest + 1}_conv1")
                    p6 = norm(p6, f"P{deepest + 1}_pre_bn")
            else:
                if use_upsample:
                    y = mx.sym.UpSampling(y, scale=2, sample_type="nearest", name=f"{level}_upsp")
                if use_elewadd:
                    y = mx.sym.slice_like(y, lateral, axes=(2, 3), name=f"{level}_clip")
                    y = mx.sym.ElementWiseSum(lateral, y, name=f"{level}_sum")
            out = convolution(y, filters, 3, 1, f"{level}_conv1")
            if i == 0 and use_p6 and not p6_conv:
                p6 = mx.sym.Pooling(
                    out, pool_type="max", kernel=(1, 1), stride=(2, 2), name=f"P{deepest + 1}_pre"
                )
            levels.append(norm(out, f"{level}_bn"))
        pyramid = [*levels[::-1], *([p6] if use_p6 else [])]
        super().__init__(pyramid, variables, params=norm.join(params))
        _start(self, weights, mx.init.Xavier("uniform", factor_type="in", magnitude=1))


class _Norm:
    """A norm layer, given as a function of symbols or as a block's class."""

    def __init__(
        self, layer: Callable[..., Any] | None, keywords: Mapping[str, Any] | None
    ) -> None:
        self.layer = layer
        self.keywords = dict(keywords or {})
        self.blocks: list[HybridBlock] = []
        if layer is not None and not callable(layer):
            raise TypeError(
                "norm_layer: expected a function of symbols or a HybridBlock's class, got "
                f"{shown(layer)}"
            )

    def __call__(self, y: Symbol, name: str) -> Symbol:
        if self.layer is None:
            return y
        if isinstance(self.layer, type) and issubclass(self.layer, HybridBlock):
            self.blocks.append(self.layer(prefix=f"{name}_", **self.keywords))
            return self.blocks[-1](y)
        if self.layer is mx.sym.contrib.SyncBatchNorm:  # whose devices meet at a key
            return self.layer(y, **{**self.keywords, "key": name, "name": name})
        return self.layer(y, **self.keywords)

    def join(self, params: Any) -> Any:
        """Return the network's parameters with those of the blocks."""
        if not self.blocks:
            return params
        joined = mx.gluon.ParameterDict("")
        for parameters in (params, *(block.collect_params() for block in self.blocks)):
            if parameters is not None:
                joined.update(parameters)
        return joined


def _convolution(
    y: Symbol, filters: int, kernel: int, stride: int, no_bias: bool, name: str
) -> Symbol:
    return mx.sym.Convolution(
        y,
        num_filter=filters,
        kernel=(kernel, kernel),
        pad=(kernel // 2, kernel // 2),
        stride=(stride, stride),
        no_bias=no_bias,
        name=name,
    )


# What a fresh layer starts with; for want of it a variance would be random, and negative half the
# time.
STARTS = {
    "_gamma": "ones",
    "_beta": "zeros",
    "_bias": "zeros",
    "_moving_mean": "zeros",
    "_running_mean": "zeros",
    "_moving_var": "ones",
    "_running_var": "ones",
}


def _start(block: SymbolBlock, weights: Sequence[str] = (), initializer: Any = None) -> None:
    """Say how parameters start that nobody has said it of, and the given weights."""
    for name, parameter in block.params.items():
        start = initializer if name in weights else None
        for ending, common in STARTS.items():
            if name.endswith(ending):
                start = common
        if parameter.init is None:
            parameter.init = start
