"""Cases of costs and metrics of scores and IoUs (SPEC section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds import cost as bounds
from refkernels.conformance.cases.cost.drawing import (
    IOUS,
    SCORES,
    axes,
    labels_of,
    numbers,
    one_for_all,
    shape_of,
    sizes,
)
from refkernels.conformance.cases.strategies import configurations, mixed_dtypes
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS", "pairs_of"]

Run = Callable[[Case], tuple[Array, ...]]

EXPONENTS = [1.0, 0.5, 6.0, 2.0, 0.0, 0.3, 1.5, 2.2, 8.5]
ALIGNED = configurations(alpha=st.sampled_from(EXPONENTS), beta=st.sampled_from(EXPONENTS))
SIMOTA = configurations(
    iou_weight=st.sampled_from([3.0, 1.0, 0.0, 2.6]),
    eps=st.sampled_from([1e-8, 1e-7, 1e-3]),
    penalty=st.sampled_from([1e5, 1e8, 0.0, 10.3]),
)

CLASSES = st.integers(1, 4) | st.sampled_from([20, 80])

# Of a network that is trained, of one that is not yet, and of one that is sure.
MANY_SCORES = (
    lambda rng, shape: rng.random(shape) ** 4,
    lambda rng, shape: rng.random(shape) * 0.02,
    lambda rng, shape: 0.5 + rng.normal(0, 0.01, shape),
    lambda rng, shape: np.round(rng.random(shape)),
    lambda rng, shape: 1 - rng.random(shape) * rng.choice([0, 1e-3, 1e-8], shape),
)
MANY_IOUS = (
    lambda rng, shape: rng.random(shape) * (rng.random(shape) < 0.3),
    lambda rng, shape: rng.random(shape),
    lambda rng, shape: np.round(rng.random(shape) * 8) / 8,
)


@st.composite
def _pairs(draw: DrawFn, options: Any, with_inside: bool, parameters: Parameters) -> Case:
    """Draw scores, labels, IoUs and perhaps masks."""
    config = draw(parameters.options(options))
    images, count, truths, classes = draw(sizes(CLASSES))
    matrix = shape_of(images, count, truths)
    inputs = {
        "scores": draw(numbers(shape_of(images, count, classes), SCORES, MANY_SCORES)),
        "labels": draw(labels_of(shape_of(images, truths), classes)),
        "ious": draw(numbers(matrix, IOUS, MANY_IOUS)),
    }
    if with_inside:
        mask = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(matrix)
        inputs["inside"] = mask < draw(st.sampled_from([0.5, 1.0, 0.1]))
    inputs = draw(one_for_all(inputs, images))
    return Case(config, draw(mixed_dtypes(inputs, "scores", "ious")))


def pairs_of(image: Image, classes: int = 21) -> dict[str, Array]:
    """Return scores, labels and IoUs of an image's anchors and boxes, and who is inside."""
    from refkernels.bbox import BBoxBatchIOU
    from refkernels.cost import InsideMask

    rng = np.random.default_rng(len(image.boxes))
    centers = (image.anchors[:, :2] + image.anchors[:, 2:]) / 2
    return {
        "scores": rng.random((len(image.anchors), classes)) ** 2,
        "labels": image.labels % classes,
        "ious": BBoxBatchIOU()(image.anchors, image.boxes),
        "inside": InsideMask()(centers, image.boxes),
    }


def _of_image(*names: str) -> Callable[[Image], Iterator[Case]]:
    def annotated(image: Image) -> Iterator[Case]:
        """Yield those of the inputs that are named, of the image's anchors and boxes."""
        if len(image.boxes):
            arrays = pairs_of(image)
            yield Case({}, {name: arrays[name] for name in names})

    return annotated


def _law_pairs() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        "scores": rng.random((2, 20, 7)).astype(np.float32),
        "labels": rng.integers(0, 7, (2, 12)),
        "ious": rng.random((2, 20, 12)).astype(np.float32),
        "inside": rng.random((2, 20, 12)) < 0.5,
    }


def _is_nothing_without_overlap(run: Run, parameters: Parameters) -> str | None:
    """Give pairs that overlap in nothing, and pairs without a score: no matcher is to take them."""
    config = parameters.of_law({})
    if not (config.get("alpha", 1) and config.get("beta", 6)):
        raise Untried("what is raised to 0 is 1")
    inputs = _law_pairs()
    inputs.pop("inside")
    inputs["scores"][:, ::3] = 0
    inputs["ious"][:, :, ::2] = 0
    (metrics,) = run(Case(config, inputs))
    wrong = (metrics != 0) & ((inputs["ious"] == 0) | (np.arange(20) % 3 == 0)[:, None])
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"metrics{list(place)} is {metrics[place]}"


def _in_any_order(name: str, with_inside: bool) -> Callable[[Run, Parameters], str | None]:
    """Give classes another order, with the labels to go with it, and anchors and truths too."""
    bound: Callable[..., Array] = bounds.sim_ota_cost if with_inside else bounds.task_aligned_metric

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first pair that has another result in another order."""
        config = parameters.of_law({})
        inputs, rng = _law_pairs(), np.random.default_rng(1)
        if not with_inside:
            inputs.pop("inside")
        rows, columns, classes = (rng.permutation(n) for n in (20, 12, 7))
        changed = {
            "scores": inputs["scores"][:, rows][:, :, classes],
            "labels": np.argsort(classes)[inputs["labels"]][:, columns],
        }
        for own in ("ious", "inside"):
            if own in inputs:
                changed[own] = inputs[own][:, rows][:, :, columns]
        (before,), (after,) = run(Case(config, inputs)), run(Case(config, changed))
        allowed = 2 * bound(*changed.values(), **config)
        before = before[:, rows][:, :, columns]
        wrong = ~(np.abs(before.astype(np.float64) - after) <= allowed)
        if not wrong.any():
            return None
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        return f"{name}{list(place)} is {after[place]} in another order, not {before[place]}"

    return check


ORDER = "anchors, ground truths and classes may come in any order"

OPERATORS: tuple[Operator, ...] = (
    Operator(
        "TaskAlignedMetric",
        "cost",
        lambda parameters: _pairs(ALIGNED, False, parameters),
        lambda case: (Output.bounded("metrics", bounds.task_aligned_metric),),
        axes,
        _of_image("scores", "labels", "ious"),
        laws=(
            Law("a pair without overlap or score has a metric of 0", _is_nothing_without_overlap),
            Law(ORDER, _in_any_order("metrics", False)),
        ),
        has_block=False,
    ),
    Operator(
        "SimOTACost",
        "cost",
        lambda parameters: _pairs(SIMOTA, True, parameters),
        lambda case: (Output.bounded("costs", bounds.sim_ota_cost),),
        axes,
        _of_image("scores", "labels", "ious", "inside"),
        laws=(Law(ORDER, _in_any_order("costs", True)),),
        has_block=False,
    ),
)
