"""Parameters of every sort that an operator may be built with, drawn from SPEC's ranges alone.

Half of them are those of published detectors, the other half any that are valid. The cases of
`refkernels check` are not looked at, so that what they draw and what is drawn here are two things.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from refkernels.conformance.model.operator import Recipe

__all__ = ["CONFIGURABLE", "configurations"]

Config = Mapping[str, Any]
Draw = random.Random

THRESHOLDS = (0.05, 0.1, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.613, 0.7, 0.9)
STDS = (0.1, 0.1, 0.2, 0.2)
ACTIVATIONS = (None, "relu", "sigmoid", "tanh", "softrelu", "softsign")


def configurations(operator: str, count: int, seed: int = 0) -> list[Config]:
    """Return so many different configurations, or all that there are if there are fewer.

    Parameters
    ----------
    operator : str
        One of `CONFIGURABLE`.
    count : int
    seed : int
        What is drawn depends on it and the operator's name alone.
    """
    draw = random.Random(f"{seed} {operator}")
    found: dict[str, Config] = {}
    for _ in range(50 * count):
        if len(found) == count:
            break
        config = CONFIGURABLE[operator](draw)
        found.setdefault(repr(config), config)
    return list(found.values())


def _threshold(draw: Draw) -> float:
    return draw.choice(THRESHOLDS) if draw.random() < 0.7 else round(draw.random(), 3)


def _flag(draw: Draw) -> bool:
    return draw.random() < 0.5


def _axis(draw: Draw) -> int:
    return draw.choice((-1, -1, 1, -2, 0))


def _four(draw: Draw, usual: tuple[float, ...], low: float) -> tuple[float, ...]:
    if draw.random() < 0.4:
        return usual
    return tuple(round(low + draw.random(), 2) for _ in range(4))


def _form(draw: Draw) -> Config:
    return {"axis": _axis(draw), "split": _flag(draw)}


def _split(draw: Draw) -> Config:
    return {"axis": _axis(draw), "squeeze_axis": _flag(draw)}


def _area(draw: Draw) -> Config:
    return {"axis": _axis(draw), "fmt": draw.choice(("corner", "center"))}


def _iou(draw: Draw) -> Config:
    return {
        "axis": draw.choice((-1, -1, 1, -2)),
        "fmt": draw.choice(("corner", "center")),
        "offset": draw.choice((0, 0, 1, 0.5)),
        "eps": draw.choice((1e-15, 1e-15, 1e-6, 1e-3, 0.0)),
    }


def _bipartite(draw: Draw) -> Config:
    ascends = _flag(draw)
    threshold = draw.choice((1e-12, _threshold(draw), _threshold(draw)))
    return {
        "threshold": threshold * draw.choice((1, 4)) if ascends else threshold,
        "is_ascend": ascends,
        "eps": draw.choice((1e-12, 0.0, 0.05, 1e-6)),
        "share_max": _flag(draw),
    }


def _maximum(draw: Draw) -> Config:
    return {"threshold": draw.choice((_threshold(draw), _threshold(draw), 0.0, 0.001))}


def _composite(draw: Draw) -> Config:
    makers = {"BipartiteMatcher": _bipartite, "MaximumMatcher": _maximum}
    names = [draw.choice([*makers]) for _ in range(draw.randint(1, 3))]
    return {"matchers": [Recipe(name, makers[name](draw)) for name in names]}


def _ohem(draw: Draw) -> Config:
    return {
        "ratio": draw.choice((3, 2.5, 1, 0.7, 0, round(5 * draw.random(), 2))),
        "min_samples": draw.choice((0, 0, 1, 4, 32)),
        "thresh": _threshold(draw),
    }


def _quota(draw: Draw) -> Config:
    high = _threshold(draw)
    config: dict[str, Any] = {
        "num_sample": draw.choice((1, 2, 5, 8, 16, 64, 256, draw.randint(1, 100))),
        "pos_thresh": _threshold(draw),
        "neg_thresh_high": high,
        "pos_ratio": draw.choice((0.5, 0.25, 0.3, 0.0, round(draw.random(), 2))),
        "fill_negative": _flag(draw),
    }
    if _flag(draw):
        config["neg_thresh_low"] = draw.choice((0.0, 0.1, round(high / 2, 3)))
    if _flag(draw):
        config["neg_ratio"] = round((1 - config["pos_ratio"]) * draw.random(), 2)
    return config


def _part(draw: Draw) -> dict[str, Any]:
    parts = draw.choice((1, 1, 2, 3, 4))
    return {"num_parts": parts, "part_index": draw.randrange(parts)}


def _split_sampler(draw: Draw) -> Config:
    remainder = draw.choice(("drop", "spread"))
    return {"length": draw.choice((5, 10, 23, 1000)), **_part(draw), "remainder": remainder}


def _buckets(draw: Draw) -> Config:
    length = draw.choice((5, 10, 23, 64))
    return {
        "sort_keys": [draw.randrange(length) for _ in range(length)],
        "batch_size": draw.choice((1, 2, 3, 4)),
        "mult": draw.choice((1, 1.5, 2, 2.5, 32)),
        **_part(draw),
        "shuffle": _flag(draw),
        "seed": draw.choice((233, draw.randrange(1000))),
    }


def _encoder(draw: Draw) -> dict[str, Any]:
    return {"stds": _four(draw, STDS, 0.05), "means": _four(draw, (0.0,) * 4, -0.5)}


def _per_class(draw: Draw) -> Config:
    sizes = {"num_class": draw.choice((1, 2, 3, 20)), "max_pos": draw.choice((1, 2, 16, 128))}
    return {**sizes, "per_device_batch_size": draw.choice((1, 2)), **_encoder(draw)}


def _decoder(draw: Draw) -> Config:
    return {
        "stds": _four(draw, STDS, 0.05),
        "convert_anchor": _flag(draw),
        "clip": draw.choice((-1.0, None, 0.0, 4.135166556742356, 1.0, 0.25)),
        "means": _four(draw, (0.0,) * 4, -0.5),
    }


def _classes(draw: Draw) -> Config:
    return {"ignore_label": draw.choice((-1, 0, 255, -100, draw.randrange(100)))}


def _score(draw: Draw) -> float:
    return draw.choice((0.01, 0.05, 0.3, 0.0, -1.0, round(draw.random(), 3)))


def _best_class(draw: Draw) -> Config:
    return {"axis": draw.choice((-1, 1, -2, 0)), "thresh": _score(draw)}


def _each_class(draw: Draw) -> Config:
    return {"num_class": draw.choice((2, 3, 4, 21)), **_best_class(draw)}


def _heat(draw: Draw) -> Config:
    return {
        "topk": draw.choice((1, 2, 5, 10, 40, 100)),
        "scale": draw.choice((4.0, 2.0, 1.0, 0.3)),
    }


def _conv(draw: Draw) -> Config:
    def pair(*values: int) -> tuple[int, int]:
        return draw.choice(values), draw.choice(values)

    return {
        "num_channel": draw.choice((1, 2, 4)),
        "kernel": draw.choice(((3, 3), (1, 1), pair(1, 2, 3))),
        "pad": draw.choice(((1, 1), (0, 0), pair(0, 1, 2))),
        "stride": draw.choice(((1, 1), (2, 2), pair(1, 2))),
        "activation": draw.choice(ACTIVATIONS),
        "use_bias": _flag(draw),
    }


def _dense(draw: Draw) -> Config:
    return {
        "num_output": draw.choice((1, 2, 5)),
        "activation": draw.choice(ACTIVATIONS),
        "use_bias": _flag(draw),
    }


def _none(draw: Draw) -> Config:
    return {}


# What draws the configuration of each operator; those on networks are built with a network.
CONFIGURABLE: Mapping[str, Callable[[Draw], Config]] = {
    "BBoxCornerToCenter": _form,
    "NumPyBBoxCornerToCenter": _form,
    "BBoxCenterToCorner": _form,
    "BBoxSplit": _split,
    "BBoxArea": _area,
    "BBoxBatchIOU": _iou,
    "BBoxClipToImage": _none,
    "BipartiteMatcher": _bipartite,
    "MaximumMatcher": _maximum,
    "CompositeMatcher": _composite,
    "NaiveSampler": _none,
    "OHEMSampler": _ohem,
    "QuotaSampler": _quota,
    "QuotaSamplerProp": _quota,
    "SplitSampler": _split_sampler,
    "SplitSortedBucketSampler": _buckets,
    "NormalizedBoxCenterEncoder": _encoder,
    "NumPyNormalizedBoxCenterEncoder": _encoder,
    "NormalizedPerClassBoxCenterEncoder": _per_class,
    "NormalizedBoxCenterDecoder": _decoder,
    "MultiClassEncoder": _classes,
    "MultiClassDecoder": _best_class,
    "MultiPerClassDecoder": _each_class,
    "SigmoidClassEncoder": _none,
    "CenterNetDecoder": _heat,
    "ConvPredictor": _conv,
    "FCPredictor": _dense,
}
