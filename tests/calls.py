"""A call of every operator on a batch of images, for tests of what holds for all of them.

An image is drawn in a style, most of them extreme. All images of a call have the same shapes, so
that any of them may stand beside any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import refkernels
from refkernels import feature
from refkernels.arrays import Array

ANCHORS, TRUTHS, CLASSES = 9, 5, 3
SIDE = 5  # of an image, and of a heat map

STYLES = ("usual", "huge", "tiny", "subnormal", "flat", "padding", "inverted", "many", "none")

Inputs = dict[str, Array]


def numbers(rng: np.random.Generator, style: str, dtype: Any, *shape: int) -> Array:
    """Real numbers of either sign."""
    info = np.finfo(dtype)
    scale = {
        "huge": float(info.max) / 8,
        "tiny": float(info.tiny) * 4,
        "subnormal": float(info.smallest_subnormal) * 8,
        "flat": 0.0,
        "padding": 0.0,
    }.get(style, 1.0)
    return (rng.uniform(-1, 1, shape) * scale).astype(dtype)


def boxes(rng: np.random.Generator, style: str, dtype: Any, count: int, fmt: str) -> Array:
    """Corner or centre boxes, many of which overlap."""
    info = np.finfo(dtype)
    low, sides = rng.uniform(0, 1, (count, 2)), rng.uniform(0.2, 1, (count, 2))
    if style == "flat":
        sides[rng.random((count, 2)) < 0.7] = 0
    elif style == "inverted":
        sides *= rng.choice([-1, 1], (count, 2))
    elif style == "padding":
        low[count // 2 :], sides[count // 2 :] = -1, 0
    elif style == "none":
        low[:], sides[:] = 0, 0
    scale = {
        "huge": float(info.max) / 4,
        "tiny": float(info.tiny) * 4,
        "subnormal": float(info.smallest_subnormal) * 8,
    }.get(style, 10.0)
    first, second = (low, low + sides) if fmt == "corner" else (low + sides / 2, sides)
    return (np.concatenate([first, second], axis=1) * scale).astype(dtype)


def ious(rng: np.random.Generator, style: str, dtype: Any) -> Array:
    """A matrix of overlaps with ties, as far as the style has any."""
    levels = {"none": 1, "padding": 1, "flat": 1, "many": 2}.get(style, 9)
    x = rng.integers(0, levels, (ANCHORS, TRUTHS)) / 8 + (0.5 if style == "many" else 0)
    if style in ("tiny", "subnormal", "huge"):
        x = numbers(rng, style, dtype, ANCHORS, TRUTHS)
    return x.astype(dtype)


def matches(rng: np.random.Generator, style: str) -> Array:
    least = {"none": -TRUTHS * 9, "padding": -TRUTHS * 9, "many": 0}.get(style, -TRUTHS)
    return np.maximum(rng.integers(least, TRUTHS, ANCHORS), -1)


def samples(rng: np.random.Generator, style: str, given: Array) -> Array:
    """Samples that go with matches: none is positive without one."""
    drawn = rng.integers(0 if style == "many" else -1, 2, ANCHORS)
    return np.where(given >= 0, drawn, np.minimum(drawn, 0))


@dataclass(frozen=True)
class Call:
    """An operator, and how to draw what it is called with.

    Attributes
    ----------
    name : str
    operator : callable
        Called with the inputs by name.
    image : callable
        Draws the inputs of one image, without a batch axis, from a generator, a style and a dtype.
    shared : callable, optional
        Draws inputs that are those of every image, such as parameters.
    rowwise : bool
        Whether a row of the result depends on the same row of each input, and on nothing else.
    batched : bool
        Whether there is always a batch axis.
    """

    name: str
    operator: Callable[..., Any]
    image: Callable[[np.random.Generator, str, Any], Inputs]
    shared: Callable[[np.random.Generator, Any], Inputs] = lambda rng, dtype: {}
    rowwise: bool = False
    batched: bool = False

    def batch(self, rng: np.random.Generator, styles: Sequence[str], dtype: Any) -> Inputs:
        """Draw the inputs of a batch, shared ones included."""
        images = [self.image(rng, style, dtype) for style in styles]
        return {**stacked(images), **self.shared(rng, dtype)}


def stacked(images: list[Inputs]) -> Inputs:
    return {name: np.stack([image[name] for image in images]) for name in images[0]}


def parts(result: Any) -> tuple[Array, ...]:
    return result if isinstance(result, tuple) else (result,)


def _one_set(fmt: str) -> Any:
    return lambda rng, style, dtype: {"x": boxes(rng, style, dtype, ANCHORS, fmt)}


def two_sets(fmt: str) -> Any:
    def draw(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
        a, b = (boxes(rng, style, dtype, count, fmt) for count in (ANCHORS, TRUTHS))
        b[0] = a[0]
        return {"a": a, "b": b}

    return draw


def matrix(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {"x": ious(rng, style, dtype)}


def _quota(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {"matches": matches(rng, style), "ious": ious(rng, style, dtype)}


def _mining(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    logits = numbers(rng, style, dtype, ANCHORS, 12)
    return {**_quota(rng, style, dtype), "logits": logits}


def _assigned(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    own = matches(rng, style)
    return {"samples": samples(rng, style, own), "matches": own}


def _encoded(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        **_assigned(rng, style, dtype),
        "anchors": boxes(rng, style, dtype, ANCHORS, "corner"),
        "refs": boxes(rng, style, dtype, TRUTHS, "corner"),
    }


def _labelled(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {**_encoded(rng, style, dtype), "labels": rng.integers(0, CLASSES, TRUTHS)}


def _classes(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    refs = rng.integers(0, CLASSES, TRUTHS)
    return {**_assigned(rng, style, dtype), "refs": refs.astype(dtype)}


def _offsets(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "x": numbers(rng, style, dtype, ANCHORS, 4),
        "anchors": boxes(rng, style, dtype, ANCHORS, "center"),
    }


def _clip(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "x": boxes(rng, style, dtype, ANCHORS, "corner"),
        "sizes": np.abs(numbers(rng, style, dtype, 2)),
    }


def _heat(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    shapes = {"x": (CLASSES, SIDE, SIDE), "wh": (2, SIDE, SIDE), "reg": (2, SIDE, SIDE)}
    return {name: numbers(rng, style, dtype, *shape) for name, shape in shapes.items()}


def _planes(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {"x": numbers(rng, style, dtype, CLASSES, SIDE, SIDE)}


def _row(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {"x": numbers(rng, style, dtype, 37)}


def _parameters(*shape: int) -> Any:
    def draw(rng: np.random.Generator, dtype: Any) -> Inputs:
        return {
            "weight": rng.normal(size=shape).astype(dtype),
            "bias": rng.normal(size=shape[:1]).astype(dtype),
        }

    return draw


NETWORK = """{"nodes": [
    {"op": "null", "name": "x", "inputs": []},
    {"op": "null", "name": "c_weight", "inputs": []},
    {"op": "Convolution", "name": "c", "inputs": [[0, 0, 0], [1, 0, 0]],
     "attrs": {"num_filter": "18", "kernel": "(3, 3)", "pad": "(1, 1)", "no_bias": "True"}},
    {"op": "Activation", "name": "r", "inputs": [[2, 0, 0]], "attrs": {"act_type": "softrelu"}},
    {"op": "softmax", "name": "s", "inputs": [[3, 0, 0]], "attrs": {"axis": "1"}},
    {"op": "Pooling", "name": "p", "inputs": [[3, 0, 0]],
     "attrs": {"global_pool": "True", "pool_type": "avg", "kernel": "(1, 1)"}},
    {"op": "Flatten", "name": "t", "inputs": [[5, 0, 0]]},
    {"op": "null", "name": "f_weight", "inputs": []},
    {"op": "FullyConnected", "name": "f", "inputs": [[6, 0, 0], [7, 0, 0]],
     "attrs": {"num_hidden": "7", "no_bias": "True"}},
    {"op": "log_softmax", "name": "l", "inputs": [[8, 0, 0]], "attrs": {"axis": "-1"}}],
    "heads": [[4, 0, 0], [9, 0, 0]]}"""


def _network(x: Any, c_weight: Any, f_weight: Any) -> Any:
    params = {"c_weight": c_weight, "f_weight": f_weight}
    return feature.GraphEvaluator(NETWORK, params)(x=x)


def _network_parameters(rng: np.random.Generator, dtype: Any) -> Inputs:
    return {
        "c_weight": rng.normal(size=(18, CLASSES, 3, 3)).astype(dtype),
        "f_weight": rng.normal(size=(7, 18)).astype(dtype),
    }


CALLS = (
    Call("to center", refkernels.BBoxCornerToCenter(), _one_set("corner"), rowwise=True),
    Call("to corner", refkernels.BBoxCenterToCorner(split=True), _one_set("center"), rowwise=True),
    Call("split", refkernels.BBoxSplit(-1, True), _one_set("corner"), rowwise=True),
    Call("area", refkernels.BBoxArea(), _one_set("corner"), rowwise=True),
    Call(
        "clip",
        lambda x, sizes: refkernels.BBoxClipToImage()(x, np.zeros((1, 1)), sizes),
        _clip,
    ),
    Call("iou", refkernels.BBoxBatchIOU(), two_sets("corner")),
    Call("iou of centers", refkernels.BBoxBatchIOU(fmt="center", eps=0), two_sets("center")),
    Call("iou of pixels", refkernels.BBoxBatchIOU(offset=1, eps=1e-3), two_sets("corner")),
    Call("iou, over area", refkernels.BBoxBatchIOA(), two_sets("corner")),
    Call("iou, over area of centers", refkernels.BBoxBatchIOA(fmt="center"), two_sets("center")),
    Call("iou, generalized", refkernels.BBoxBatchGIOU(), two_sets("corner")),
    Call("iou, distance", refkernels.BBoxBatchDIOU(fmt="center"), two_sets("center")),
    Call("iou, complete", refkernels.BBoxBatchCIOU(), two_sets("corner")),
    Call("bipartite", refkernels.BipartiteMatcher(), matrix),
    Call("bipartite, apart", refkernels.BipartiteMatcher(0.1, eps=0.1, share_max=False), matrix),
    Call("distances", refkernels.BipartiteMatcher(0.6, is_ascend=True), matrix),
    Call("maximum", refkernels.MaximumMatcher(0.5), matrix, rowwise=True),
    Call(
        "composite",
        refkernels.CompositeMatcher(
            [refkernels.BipartiteMatcher(share_max=False), refkernels.MaximumMatcher(0.5)]
        ),
        matrix,
    ),
    Call(
        "naive",
        refkernels.NaiveSampler(),
        lambda rng, style, dtype: {"matches": matches(rng, style)},
        rowwise=True,
    ),
    Call("mining", refkernels.OHEMSampler(3, min_samples=2), _mining),
    Call(
        "quota",
        lambda matches, ious: refkernels.QuotaSampler(4, 0.75, 0.5, pos_ratio=0.25)(
            matches, ious, rng=7
        ),
        _quota,
    ),
    Call("box encoder", refkernels.NormalizedBoxCenterEncoder(), _encoded),
    Call(
        "box encoder per class",
        refkernels.NormalizedPerClassBoxCenterEncoder(CLASSES, max_pos=6),
        _labelled,
    ),
    Call("box decoder", refkernels.NormalizedBoxCenterDecoder(clip=4.0), _offsets, rowwise=True),
    Call("class encoder", refkernels.MultiClassEncoder(), _classes),
    Call(
        "sigmoid encoder",
        refkernels.SigmoidClassEncoder(),
        lambda rng, style, dtype: {"samples": _assigned(rng, style, dtype)["samples"]},
        rowwise=True,
    ),
    Call("class decoder", refkernels.MultiClassDecoder(axis=-3), _planes),
    Call("decoder per class", refkernels.MultiPerClassDecoder(CLASSES, axis=-3), _planes),
    Call("heat maps", refkernels.CenterNetDecoder(topk=7), _heat),
    Call(
        "convolution",
        refkernels.ConvPredictor(4, activation="softrelu"),
        _planes,
        _parameters(4, CLASSES, 3, 3),
    ),
    Call(
        "convolution of pixels",
        refkernels.ConvPredictor(1, kernel=1, pad=0),
        _planes,
        _parameters(1, CLASSES, 1, 1),
    ),
    Call("fully connected", refkernels.FCPredictor(6), _row, _parameters(6, 37), batched=True),
    Call("network", _network, _planes, _network_parameters, batched=True),
)
