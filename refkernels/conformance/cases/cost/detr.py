"""Cases of the cost of set prediction (SPEC section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds import cost as bounds
from refkernels.conformance.cases.cost.drawing import (
    BATCH,
    COUNT,
    LETTERS,
    axes,
    centers,
    labels_of,
    numbers,
    one_for_all,
    shape_of,
)
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

WEIGHTS = st.sampled_from([1.0, 2.0, 5.0, 0.0, 0.3])
DETR = configurations(
    kind=st.sampled_from(["softmax", "focal"]),
    class_weight=WEIGHTS,
    l1_weight=WEIGHTS,
    giou_weight=WEIGHTS,
    alpha=st.sampled_from([0.25, 0.5, 0.3, 0.0, 1.0]),
    gamma=st.sampled_from([2.0, 0.0, 1.0, 1.5]),
    eps=st.sampled_from([1e-8, 1e-12, 1e-3]),
)
# Of the class and the boxes one alone, so that nothing hides it.
ALONE = st.sampled_from([{}, {}, {"l1_weight": 0.0, "giou_weight": 0.0}, {"l1_weight": 0.0}])

CLASSES = st.integers(1, 4) | st.sampled_from([21, 92])

LOGITS = st.sampled_from([0.0, 1.0, -1.0, 5.0, -20.0, 20.0, 100.0, -1000.0]) | st.floats(-10, 10)
MANY_LOGITS = (
    lambda rng, shape: rng.normal(0, 2, shape),
    lambda rng, shape: rng.normal(-4.6, 0.1, shape),
    lambda rng, shape: rng.normal(0, 30, shape),
    lambda rng, shape: np.round(rng.normal(0, 2, shape)),
)

OWN_LETTERS = {**LETTERS, "boxes": "N4"}


@st.composite
def _predictions(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw logits and boxes of predictions, and labels and boxes of ground truth."""
    config = draw(parameters.options(DETR))
    if parameters.fixed is None:
        own = draw(ALONE)
        config |= {name: value for name, value in own.items() if parameters.may_set(name)}
    images, classes = draw(BATCH), draw(CLASSES)
    batch = None if images is None else st.just(images)
    large = st.integers(1, 30)
    boxes, truths = (
        centers(x)
        for x in draw(box_sets((COUNT, COUNT), batch) | seeded_box_sets((large, large), batch))
    )
    scale = draw(st.sampled_from([1.0, 1 / 64, 1 / 512]))
    inputs = {
        "logits": draw(numbers(shape_of(images, boxes.shape[-2], classes), LOGITS, MANY_LOGITS)),
        "boxes": boxes * scale,
        "labels": draw(labels_of(truths.shape[:-1], classes)),
        "truths": truths * scale,
    }
    inputs = draw(one_for_all(inputs, images))
    return Case(config, draw(mixed_dtypes(inputs, "logits", "boxes", "truths")))


def _of_image(image: Image) -> Iterator[Case]:
    if not len(image.boxes):
        return
    rng = np.random.default_rng(len(image.boxes))
    size = max(float(image.boxes.max()), 1.0)
    inputs = {
        "logits": rng.normal(0, 2, (len(image.anchors), 21)),
        "boxes": centers(image.anchors) / size,
        "labels": image.labels % 21,
        "truths": centers(image.boxes) / size,
    }
    for kind in ("softmax", "focal"):
        yield Case({"kind": kind}, inputs)


def _law_inputs() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        "logits": (rng.integers(-64, 64, (2, 20, 7)) / 16).astype(np.float32),
        "boxes": rng.uniform(0.1, 0.9, (2, 20, 4)).astype(np.float32),
        "labels": rng.integers(0, 7, (2, 12)),
        "truths": rng.uniform(0.1, 0.9, (2, 12, 4)).astype(np.float32),
    }


def _depends_on_differences(run: Run, parameters: Parameters) -> str | None:
    config = parameters.of_law({"kind": "softmax"})
    if config.get("kind", "softmax") != "softmax":
        raise Untried("it is one of softmax")
    inputs = _law_inputs()
    (before,) = run(Case(config, inputs))
    raised = {**inputs, "logits": inputs["logits"] + np.float32(64)}
    (after,) = run(Case(config, raised))
    own = {name: value for name, value in config.items() if name != "kind"}
    return _first_change(before, after, 2 * bounds.detr_cost(*inputs.values(), **own))


def _is_least_at_itself(run: Run, parameters: Parameters) -> str | None:
    """Give the truths themselves as predictions, with equal logits: each is nearest to itself."""
    config = parameters.of_law({})
    weights = [config.get(name, 1) for name in ("class_weight", "l1_weight", "giou_weight")]
    if min(weights) < 0 or max(weights[1:]) == 0:
        raise Untried("it holds where boxes weigh something, and nothing weighs less than 0")
    inputs = _law_inputs()
    inputs["boxes"] = inputs["truths"]
    inputs["logits"] = np.zeros((2, 12, 7), np.float32)
    (costs,) = run(Case(config, inputs))
    bound = bounds.detr_cost(*inputs.values(), **config)
    own = np.diagonal(costs, axis1=1, axis2=2)[:, :, None]
    wrong = ~(own <= costs + 2 * bound + 2 * bound.max())
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"costs{list(place)} is {costs[place]}, less than {own[place[0], place[1], 0]}"


def _first_change(before: Array, after: Array, allowed: Array) -> str | None:
    wrong = ~(np.abs(before.astype(np.float64) - after) <= allowed)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"costs{list(place)} goes from {before[place]} to {after[place]}"


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "DETRCost",
        "cost",
        _predictions,
        lambda case: (Output.bounded("costs", bounds.detr_cost),),
        lambda case: axes(case, OWN_LETTERS),
        _of_image,
        laws=(
            Law("logits that all grow by one number have the same cost", _depends_on_differences),
            Law("no prediction costs less than the ground truth itself", _is_least_at_itself),
        ),
        has_block=False,
    ),
)
