"""Networks that are cut, or cut and extended, to give features (SPEC section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy.typing as npt

from refkernels.arrays import (
    as_sequence,
    check_flag,
    check_integer,
    check_number,
    keep,
    require,
    shown,
)
from refkernels.arrays.printing import times
from refkernels.feature.growing import Growing
from refkernels.network.evaluator import GraphEvaluator
from refkernels.network.graph import Graph, nearest, read_symbol

__all__ = [
    "FPNFeatureExpander",
    "FeatureExpander",
    "FeatureExtractor",
    "checked_filters",
    "checked_ratio",
]

# MXNet counts filters in 32 bits.
MOST = 2**31 - 1

NORM_LAYERS = ("BatchNorm", "SyncBatchNorm")


class _Features:
    """A graph that is evaluated with parameters of a call."""

    network: Any
    outputs: str | Sequence[str]
    inputs: str | Sequence[str]

    def __post_init__(self) -> None:
        for name in _names("inputs", self.inputs):
            nodes = self.graph.nodes
            require(
                any(node.op == "null" and node.name == name for node in nodes),
                f"inputs: there is no variable {name!r} that the outputs need; "
                f"{nearest(name, [node.name for node in nodes if node.op == 'null'])}",
            )

    @cached_property
    def graph(self) -> Graph:
        """The graph that a call evaluates."""
        growing = self._cut()
        return growing.graph.cut(growing.heads)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that a call needs."""
        inputs = _names("inputs", self.inputs)
        return tuple(
            node.name for node in self.graph.nodes if node.op == "null" and node.name not in inputs
        )

    def __call__(self, *arrays: npt.ArrayLike, params: Any) -> Any:
        """Evaluate the outputs.

        Parameters
        ----------
        *arrays : array_like, real
            One for each of `inputs`.
        params : str, os.PathLike or mapping
            The path of a ``.params`` file, or a mapping of names to arrays.

        Returns
        -------
        numpy.ndarray, or a tuple of them if there are several outputs
        """
        names = _names("inputs", self.inputs)
        require(
            len(arrays) == len(names),
            f"expected {times(len(names), 'input')} ({', '.join(names)}), got {len(arrays)}",
        )
        return GraphEvaluator(self.graph, params)(**dict(zip(names, arrays, strict=True)))

    def _cut(self) -> "Growing":
        graph = read_symbol(self.network, "network")
        names = _names("outputs", self.outputs)
        return Growing(graph, [graph.find(name, "outputs") for name in names])


@dataclass(frozen=True)
class FeatureExtractor(_Features):
    """Evaluate a network up to some of its internal outputs.

    Parameters
    ----------
    network : str, os.PathLike, Graph, or an object with ``tojson()``
        The path of a ``-symbol.json`` file, the JSON text, or an ``mx.sym.Symbol``.
    outputs : str or sequence of str
        The internals to return; ``_output`` may be left off their names.
    inputs : sequence of str, default ('data',)
        The variables that a call takes, in order.

    Raises
    ------
    TypeError, ValueError
        If `network` cannot be read, a name is unknown (the nearest ones are listed) or a parameter
        has the wrong type.

    References
    ----------
    SPEC section 5.

    Examples
    --------
    >>> import numpy as np
    >>> symbol = '''{"nodes": [
    ...     {"op": "null", "name": "data", "inputs": []},
    ...     {"op": "Activation", "name": "a", "inputs": [[0, 0, 0]], "attrs": {"act_type": "relu"}},
    ...     {"op": "Flatten", "name": "b", "inputs": [[1, 0, 0]]}], "heads": [[2, 0, 0]]}'''
    >>> FeatureExtractor(symbol, "a")(np.array([[[-1.0, 2.0]]]), params={})
    array([[[0., 2.]]])
    """

    network: Any
    outputs: str | Sequence[str]
    inputs: str | Sequence[str] = ("data",)


@dataclass(frozen=True)
class FeatureExpander(_Features):
    """Extend a network by convolutions of stride 2, each of which is one more output.

    For each of `num_filters` come an optional 1x1 convolution of
    ``max(min_depth, round(filters * reduce_ratio))`` filters, and a 3x3 convolution of stride 2 and
    pad 1; each with batch normalisation, or else a bias, and relu.

    Parameters
    ----------
    network, outputs, inputs
        As in `FeatureExtractor`. The last of `outputs` is extended.
    num_filters : sequence of int
        One for each step.
    use_1x1_transition : bool, default True
        Whether there is a 1x1 convolution before each of stride 2.
    use_bn : bool, default True
    reduce_ratio : float, default 1.0
    min_depth : int, default 128
        The least number of filters of a 1x1 convolution.
    global_pool : bool, default False
        Whether the mean of the last output over the whole image is one more output.

    Raises
    ------
    TypeError, ValueError
        As in `FeatureExtractor`.

    Notes
    -----
    Parameters are called ``expand_trans_conv0_weight``, ``expand_trans_bn0_gamma``,
    ``expand_conv0_weight``, ``expand_bn0_gamma`` and so on. Gamma is fixed to 1, and eps is 1e-3:
    MXNet's own defaults.

    References
    ----------
    SPEC section 5. Liu et al., "SSD: Single Shot MultiBox Detector", 2016, section 2.1.
    """

    network: Any
    outputs: str | Sequence[str]
    num_filters: Sequence[int]
    use_1x1_transition: bool = True
    use_bn: bool = True
    reduce_ratio: float = 1.0
    min_depth: int = 128
    global_pool: bool = False
    inputs: str | Sequence[str] = ("data",)

    def __post_init__(self) -> None:
        for name in ("use_1x1_transition", "use_bn", "global_pool"):
            keep(self, **{name: check_flag(name, getattr(self, name))})
        keep(self, num_filters=checked_filters(self.num_filters))
        keep(
            self,
            reduce_ratio=checked_ratio(self.reduce_ratio, self.num_filters),
            min_depth=check_integer("min_depth", self.min_depth, low=1, high=MOST),
        )
        super().__post_init__()

    def _cut(self) -> "Growing":
        net = super()._cut()
        y = net.heads[-1]
        for i, filters in enumerate(self.num_filters):
            if self.use_1x1_transition:
                depth = max(self.min_depth, round(filters * self.reduce_ratio))
                y = net.convolution(f"expand_trans_conv{i}", y, depth, 1, bias=not self.use_bn)
                if self.use_bn:
                    y = net.norm(f"expand_trans_bn{i}", y)
                y = net.add("Activation", f"expand_trans_relu{i}", [y], act_type="relu")
            y = net.convolution(f"expand_conv{i}", y, filters, 3, stride=2, bias=not self.use_bn)
            if self.use_bn:
                y = net.norm(f"expand_bn{i}", y)
            y = net.add("Activation", f"expand_relu{i}", [y], act_type="relu")
            net.heads.append(y)
        if self.global_pool:
            whole = {"pool_type": "avg", "global_pool": True, "kernel": (1, 1)}
            net.heads.append(net.add("Pooling", "pooling0", [y], **whole))
        return net


@dataclass(frozen=True)
class FPNFeatureExpander(_Features):
    """Extend a network by a feature pyramid.

    From the deepest output up: a 1x1 convolution (the lateral), the sum with the coarser level,
    which is repeated 2x2 and cropped, and a 3x3 convolution whose result is that level's output.
    Outputs come fine to coarse.

    Parameters
    ----------
    network, outputs, inputs
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
    norm_layer : {None, 'BatchNorm', 'SyncBatchNorm'}, default None
        What comes after each convolution.
    norm_kwargs : mapping, optional
        Attributes of the norm layer, such as ``eps`` and ``fix_gamma``.

    Raises
    ------
    TypeError, ValueError
        As in `FeatureExtractor`; and if there are not as many filters as outputs.

    Notes
    -----
    With n levels the parameters of the deepest are called ``P{n+1}_conv_lat_weight`` and
    ``P{n+1}_conv1_weight``, those of P6 ``P{n+2}_conv1_weight``. The parameters of 'SyncBatchNorm'
    have names of that kind too; 'BatchNorm' is numbered from ``batchnorm0_gamma`` on, in the order
    lateral, P6, 3x3 convolution.

    References
    ----------
    SPEC section 5. Lin et al., "Feature Pyramid Networks for Object Detection", 2017, section 3.
    """

    network: Any
    outputs: str | Sequence[str]
    num_filters: Sequence[int]
    use_1x1: bool = True
    use_upsample: bool = True
    use_elewadd: bool = True
    use_p6: bool = False
    p6_conv: bool = True
    no_bias: bool = True
    norm_layer: str | None = None
    norm_kwargs: Mapping[str, Any] | None = None
    inputs: str | Sequence[str] = ("data",)

    def __post_init__(self) -> None:
        filters = checked_filters(self.num_filters)
        levels = len(_names("outputs", self.outputs))
        require(
            len(filters) == levels,
            f"num_filters: expected one for each of {times(levels, 'output')}, got "
            f"{self.num_filters!r}",
        )
        keep(self, num_filters=filters)
        for name in ("use_1x1", "use_upsample", "use_elewadd", "use_p6", "p6_conv", "no_bias"):
            keep(self, **{name: check_flag(name, getattr(self, name))})
        if not isinstance(self.norm_layer, (str, type(None))):
            raise TypeError(f"norm_layer: expected None or a name, got {shown(self.norm_layer)}")
        require(
            self.norm_layer in (None, *NORM_LAYERS),
            f"norm_layer: expected None, 'BatchNorm' or 'SyncBatchNorm', got {self.norm_layer!r}",
        )
        if not isinstance(self.norm_kwargs, (Mapping, type(None))):
            raise TypeError(f"norm_kwargs: expected a mapping, got {shown(self.norm_kwargs)}")
        super().__post_init__()

    def _cut(self) -> "Growing":
        net = super()._cut()
        deepest = len(self.num_filters) + 1
        bias = not self.no_bias
        features, outputs = net.heads[::-1], []
        y = p6 = features[0]
        for i, (feature, filters) in enumerate(zip(features, self.num_filters, strict=True)):
            level = deepest - i
            lateral = feature
            if self.use_1x1:
                lateral = net.convolution(f"P{level}_conv_lat", feature, filters, 1, bias=bias)
                lateral = self._norm(net, f"P{level}_{'conv1' if i else 'lat'}_bn", lateral)
            if i == 0:
                y = lateral
                if self.use_p6 and self.p6_conv:
                    name = f"P{deepest + 1}"
                    p6 = net.convolution(f"{name}_conv1", y, filters, 3, stride=2, bias=bias)
                    p6 = self._norm(net, f"{name}_pre_bn", p6)
            else:
                if self.use_upsample:
                    twice = {"scale": 2, "sample_type": "nearest", "num_args": 1}
                    y = net.add("UpSampling", f"P{level}_upsp", [y], **twice)
                if self.use_elewadd:
                    y = net.add("slice_like", f"P{level}_clip", [y, lateral], axes=(2, 3))
                    y = net.add("add_n", f"P{level}_sum", [lateral, y], num_args=2)
            out = net.convolution(f"P{level}_conv1", y, filters, 3, bias=bias)
            if i == 0 and self.use_p6 and not self.p6_conv:
                second = {"pool_type": "max", "kernel": (1, 1), "stride": (2, 2)}
                p6 = net.add("Pooling", f"P{deepest + 1}_pre", [out], **second)
            outputs.append(self._norm(net, f"P{level}_bn", out))
        net.heads = [*outputs[::-1], *([p6] if self.use_p6 else [])]
        return net

    def _norm(self, net: "Growing", name: str, y: int) -> int:
        if self.norm_layer is None:
            return y
        if self.norm_layer == "BatchNorm":
            name = f"batchnorm{net.count('BatchNorm', 'batchnorm')}"
        op = {"BatchNorm": "BatchNorm", "SyncBatchNorm": "_contrib_SyncBatchNorm"}[self.norm_layer]
        return net.norm(name, y, op, **(self.norm_kwargs or {}))


def _names(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(as_sequence(name, value, "names"))
    require(len(names) > 0, f"{name}: expected at least one name")
    for item in names:
        if not isinstance(item, str):
            raise TypeError(f"{name}: expected names, got {shown(item)}")
    return names


def checked_filters(num_filters: Sequence[int]) -> tuple[int, ...]:
    """Check numbers of filters."""
    given = as_sequence("num_filters", num_filters, "numbers of filters")
    return tuple(
        check_integer(f"num_filters[{i}]", filters, low=1, high=MOST)
        for i, filters in enumerate(given)
    )


def checked_ratio(reduce_ratio: float, num_filters: Sequence[int]) -> float:
    """Check the ratio of the filters of 1x1 convolutions to those after them."""
    ratio = check_number("reduce_ratio", reduce_ratio, low=0)
    for filters in num_filters:
        depth = filters * ratio
        require(depth <= MOST, f"reduce_ratio: {reduce_ratio} makes {depth} filters of {filters}")
    return ratio
