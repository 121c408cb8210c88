"""Chains of target assignment for tests, run by the operators, as dumps."""

from typing import Any

import numpy as np

import refkernels as rk
from refkernels.arrays import Array
from refkernels.chain.roles import PLACES
from refkernels.explain.diff.dump import Dump, make_dump

CHAINS: dict[str, dict[str, Any]] = {
    "ssd": {
        "matcher": rk.CompositeMatcher(
            [rk.BipartiteMatcher(share_max=False), rk.MaximumMatcher(0.5)]
        ),
        "sampler": rk.OHEMSampler(3.0),
        "class_encoder": rk.MultiClassEncoder(),
        "box_encoder": rk.NormalizedBoxCenterEncoder(),
    },
    "rpn": {
        "matcher": rk.CompositeMatcher([rk.BipartiteMatcher(), rk.MaximumMatcher(0.7)]),
        "sampler": rk.QuotaSampler(16, 0.7, 0.3),
        "class_encoder": rk.SigmoidClassEncoder(),
        "box_encoder": rk.NormalizedBoxCenterEncoder((1.0, 1.0, 1.0, 1.0)),
    },
    "rcnn": {
        "matcher": rk.MaximumMatcher(0.5),
        "sampler": rk.QuotaSampler(16, 0.5, 0.5, pos_ratio=0.25),
        "class_encoder": rk.MultiClassEncoder(),
        "box_encoder": rk.NormalizedPerClassBoxCenterEncoder(3, max_pos=40),
    },
    "plain": {
        "matcher": rk.MaximumMatcher(0.5),
        "sampler": rk.NaiveSampler(),
        "class_encoder": rk.MultiClassEncoder(),
        "box_encoder": rk.NumPyNormalizedBoxCenterEncoder(),
    },
}


def scene(seed: int, anchors: int = 120, images: int = 2, objects: int = 4) -> dict[str, Array]:
    """Inputs of a chain in float64: each object has anchors near it."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 80, (images, objects, 2))
    boxes = np.concatenate([low, low + rng.uniform(10, 30, (images, objects, 2))], -1)
    near = boxes[rng.integers(0, images, anchors), rng.integers(0, objects, anchors)]
    return {
        "anchors": near + rng.normal(0, 3, (anchors, 4)),
        "boxes": boxes,
        "labels": rng.integers(0, 3, (images, objects)),
        "logits": rng.normal(0, 2, (images, anchors, 4)),
    }


def run(
    inputs: dict[str, Array],
    operators: dict[str, Any],
    dtype: str = "float32",
    *,
    rng: int = 0,
    name: str = "a.npz",
    without: tuple[str, ...] = (),
    **replaced: Any,
) -> Dump:
    """Run a chain. `replaced` are results that stand in place of those of a stage: a function of
    what the stage has made."""
    arrays = {
        key: value.astype(dtype) if value.dtype.kind == "f" else value
        for key, value in inputs.items()
    }
    if not isinstance(operators["sampler"], rk.OHEMSampler):
        arrays.pop("logits", None)
    operators = {"iou": rk.BBoxBatchIOU(), **operators}
    for stage in PLACES:
        operator = operators[stage.role]
        given = [arrays[need] for need in stage.needs(operator)]
        extra = {"rng": rng} if isinstance(operator, rk.QuotaSampler) else {}
        outputs = operator(*given, **extra)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for key, value in zip([*stage.results, "indices"], outputs, strict=False):
            arrays[key] = replaced[key](value.copy()) if key in replaced else value
    kept = {key: value for key, value in arrays.items() if key not in without}
    return make_dump(name, kept, operators)


def put(*where: Any, value: Any) -> Any:
    """A function that changes one place of an array."""

    def change(array: Array) -> Array:
        array[where] = value(array[where]) if callable(value) else value
        return array

    return change
