"""Cases of the coders (SPEC section 4)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds import coder as bounds
from refkernels.conformance.cases.coder.scores import CENTER_NET, CLASS_DECODERS
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.operator import Case, Image, Operator, Output
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS", "labelled_assignment_of"]

SMALL = st.integers(1, 4)
LARGE = st.integers(1, 40)
BATCH = st.sampled_from([None, 1, 1, 2, 3])
# 0.5 and -0.5 are on the thresholds, on the side of neither.
SAMPLE = st.sampled_from([1.0, -1.0, 0.0, 1.0, 0.5, -0.5, 0.75])
# What a match is does not matter where the sample is not positive.
UNSEEN = st.sampled_from([-1, 0, 99, -7])

STDS = st.sampled_from([(0.1, 0.1, 0.2, 0.2), (1.0, 1.0, 1.0, 1.0), (0.5, 0.25, 2.0, 3.0)])
MEANS = st.sampled_from([(0.0, 0.0, 0.0, 0.0), (0.5, -0.25, 0.125, 1.0)])

BOX_ENCODER = configurations(stds=STDS, means=MEANS)


# An array of float64 takes the dtype under test.
WHOLE = st.sampled_from([np.float32, np.int64, np.int32, np.float64, np.int8])
LABEL = st.sampled_from([np.float32, np.int64, np.int32, np.float64, np.int8, np.uint8, np.uint8])


@st.composite
def _assignment(
    draw: DrawFn,
    options: SearchStrategy[dict[str, Any]],
    inputs: tuple[str, ...],
    parameters: Parameters,
    classes: int = 3,
) -> Case:
    """Draw samples and matches of anchors, with the named inputs in that order."""
    config = draw(parameters.options(options))
    classes = config.get("num_class", classes)
    # Whole numbers have the dtype of the boxes, or are as blocks give them, or integers, or mixed.
    alike = draw(st.sampled_from([np.float64, np.float64, np.float32, np.int64, np.int64, None]))
    # Mostly all is given then as if the batch's size and max_pos had to be.
    given = "labels" in inputs and draw(st.booleans())
    if given:
        alike = np.float64
    images = draw(st.sampled_from([1, 2, 3]) if given else BATCH)
    batch = None if images is None else st.just(images)
    large = seeded_box_sets((LARGE, LARGE), batch)
    if parameters.fixed is not None and "labels" in inputs:
        # About as many anchors as rows are kept of.
        rows = config.get("max_pos", 128)
        large |= seeded_box_sets((st.integers(max(1, rows - 2), rows + 20), SMALL), batch)
    anchors, refs = draw(box_sets((SMALL, SMALL), batch) | large)
    if (anchors[..., :2] == anchors[..., 2:]).any():
        # Offsets from an anchor without extent are divided by 0. On a grid, where centres are
        # exact, it is clear whether that is 0 / 0; elsewhere rounding would decide it.
        anchors, refs = (np.clip(np.round(x * 8) / 8, -64, 64) for x in (anchors, refs))
    shape, count = anchors.shape[:-1], refs.shape[-2]
    size = int(np.prod(shape))
    if size > 24:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        samples = rng.choice([1.0, -1.0, 0.0], shape)
        matches = np.where(samples > 0, rng.integers(0, count, shape), -1)
        labels = rng.integers(0, classes, refs.shape[:-1])
    else:
        drawn = draw(st.lists(SAMPLE, min_size=size, max_size=size))
        own = st.integers(0, count - 1)
        unseen = own | UNSEEN if draw(st.booleans()) else own
        found = [draw(own if sample > 0.5 else unseen) for sample in drawn]
        samples, matches = np.array(drawn).reshape(shape), np.array(found).reshape(shape)
        many = int(np.prod(refs.shape[:-1]))
        label = st.integers(0, classes - 1)
        labels = np.array(draw(st.lists(label, min_size=many, max_size=many)))
    if images is not None and images > 1 and draw(st.booleans()):
        anchors = anchors[:1]
    if (samples % 1 != 0).any() and alike is not np.float32:
        arrays = {"samples": samples}
    else:
        arrays = {"samples": samples.astype(alike or draw(WHOLE))}
    dtype = draw(LABEL) if alike is None or "anchors" not in inputs else alike
    arrays |= {
        "matches": matches.astype(alike or draw(WHOLE)),
        "anchors": anchors,
        "labels": _as_labels(labels.reshape(refs.shape[:-1]), dtype),
        "refs": refs,
    }
    if "anchors" not in inputs:  # a class encoder, whose refs are the labels
        arrays["refs"] = arrays["labels"]
        return Case(config, {name: arrays[name] for name in inputs})
    arrays = draw(mixed_dtypes(arrays, "anchors", "refs"))
    chosen = st.integers(0, 3 if given else 1)
    if "labels" in inputs and parameters.may_set("per_device_batch_size") and draw(chosen):
        config["per_device_batch_size"] = images or 1
    if "labels" in inputs and parameters.may_set("max_pos") and draw(chosen):
        config["max_pos"] = draw(st.integers(1, shape[-1]))
    return Case(config, {name: arrays[name] for name in inputs})


def _as_labels(labels: Array, dtype: Any) -> Array:
    return labels.astype(dtype) if dtype is not np.int8 else (labels % 128).astype(dtype)


def _assignment_axes(case: Case) -> dict[str, str]:
    letters = {"samples": "BN", "matches": "BN", "anchors": "BN4", "labels": "BM", "refs": "BM4"}
    if "anchors" not in case.inputs:
        letters["refs"] = "BM"
    anchors = case.inputs.get("anchors")
    one_for_all = anchors is not None and anchors.ndim == 3 and len(anchors) == 1
    if one_for_all:
        letters["anchors"] = "1N4"
    return {name: letters[name][-array.ndim :] for name, array in case.inputs.items()}


def _vanishing(case: Case) -> Array:
    """Mark targets of sides whose ratio underflows or overflows, though its logarithm does not."""
    anchors, refs = (np.asarray(case.inputs[name], np.float64) for name in ("anchors", "refs"))
    samples, matches = case.inputs["samples"], case.inputs["matches"].astype(np.int64)
    dtype = computing_dtype(np.result_type(case.inputs["anchors"], case.inputs["refs"]))
    rows = np.where(samples > 0.5, matches, 0)
    if not refs.shape[-2]:
        return np.zeros((*rows.shape, 4), bool)
    shape = np.broadcast_shapes(rows.shape[:-1], anchors.shape[:-2], refs.shape[:-2])
    rows = np.broadcast_to(rows, (*shape, rows.shape[-1]))
    refs = np.broadcast_to(refs, (*shape, *refs.shape[-2:]))
    truths = np.take_along_axis(refs, rows[..., None], -2)
    with np.errstate(all="ignore"):
        sizes = [np.log(np.abs(box[..., 2:] - box[..., :2])) for box in (truths, anchors)]
        ratios = sizes[0] - sizes[1]
    limits = np.finfo(dtype)
    low, high = np.log(float(limits.tiny)) + 1, np.log(float(limits.max)) - 1
    free = np.isfinite(ratios) & ((ratios < low) | (ratios > high))
    return np.concatenate([np.zeros_like(free), free], -1)


def _vanishing_by_class(case: Case) -> Array:
    positive = case.inputs["samples"] > 0.5
    rows = min(case.config.get("max_pos", 128), positive.shape[-1])
    indices = np.argsort(~positive, axis=-1, kind="stable")[..., :rows]
    free = _vanishing(case)
    if free.ndim > indices.ndim + 1:
        indices = indices[None]
    picked = np.take_along_axis(free, indices[..., None], -2)
    return np.repeat(picked[..., None, :], case.config["num_class"], -2)


def _targets_and_masks(case: Case) -> tuple[Output, ...]:
    return (
        Output.bounded("targets", bounds.box_center_encoder, _vanishing),
        Output("masks"),
    )


def _per_class_outputs(case: Case) -> tuple[Output, ...]:
    return (
        Output.bounded("targets", bounds.per_class_box_center_encoder, _vanishing_by_class),
        Output("masks"),
        Output("indices", index=True),
    )


OFFSETS = configurations(
    stds=STDS,
    means=MEANS,
    convert_anchor=st.booleans(),
    clip=st.sampled_from([-1.0, None, 0.0, 0.5, 4.0]),
    clip_low=st.sampled_from([None, -0.5, -4.0, 0.0, 0.25]),
)


@st.composite
def _offsets(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw offsets and the anchors that they are from."""
    config = draw(parameters.options(OFFSETS))
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    (anchors,) = draw(box_sets((SMALL,), batch) | seeded_box_sets((LARGE,), batch))
    if not config.get("convert_anchor", False):
        sides = anchors[..., 2:] - anchors[..., :2]
        anchors = np.concatenate([(anchors[..., :2] + anchors[..., 2:]) / 2, sides], -1)
    if anchors.size > 96:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        x = rng.normal(0, 2, anchors.shape)
    else:
        number = st.sampled_from([0.0, 1.0, -1.0, 0.5]) | st.floats(-5, 5)
        x = np.array(draw(st.lists(number, min_size=anchors.size, max_size=anchors.size)))
    x = x.reshape(anchors.shape)
    limits = [limit for limit in _limits(config) if np.isfinite(limit)]
    near = draw(st.booleans())
    if limits and near:
        # Sides about a limit, some of them far beyond it.
        clip = draw(st.sampled_from(limits))
        stds, means = config.get("stds", (0.1, 0.1, 0.2, 0.2)), config.get("means", (0.0,) * 4)
        side = draw(st.integers(2, 3))
        share = draw(st.sampled_from([1.0, 1 - 2.0**-10, 1 + 2.0**-10, 1.25, 2.0]))
        x[..., side] = (clip * share - means[side]) / stds[side]
    if images is not None and images > 1 and draw(st.booleans()):
        anchors = anchors[:1]
    return Case(config, draw(mixed_dtypes({"x": x, "anchors": anchors}, "x", "anchors")))


def _limits(config: Mapping[str, Any]) -> tuple[float, float]:
    """Return the least and the largest number that exp is taken of."""
    low, high = config.get("clip_low"), config.get("clip", -1.0)
    no_limit = high is None or high <= 0
    return -np.inf if low is None else low, np.inf if no_limit else high


def _offset_axes(case: Case) -> dict[str, str]:
    anchors = case.inputs["anchors"]
    shared = anchors.ndim == 3 and len(anchors) == 1
    axes = {"x": "BN4", "anchors": "1N4" if shared else "BN4"}
    return {name: letters[-case.inputs[name].ndim :] for name, letters in axes.items()}


def _fit_labels(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Make labels such as a configuration has classes for."""
    labels = case.inputs["labels"]
    return Case(
        config, {**case.inputs, "labels": labels % np.asarray(config["num_class"], labels.dtype)}
    )


@st.composite
def _samples(draw: DrawFn, parameters: Parameters) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    size = int(np.prod(shape))
    drawn = draw(st.lists(st.sampled_from([1, -1, 0]), min_size=size, max_size=size))
    dtype = draw(st.sampled_from([np.float64, np.int64, np.int32]))
    samples = np.array(drawn, dtype).reshape(shape)
    if dtype is np.float64 and draw(st.booleans()):  # as a network's arithmetic leaves them
        samples = samples + draw(st.sampled_from([-1, 1])) * 2.0**-17
    return Case({}, {"samples": samples})


def labelled_assignment_of(image: Image) -> dict[str, Array]:
    """Return samples, matches, anchors, labels and refs of an image's boxes, matched at 0.5."""
    from refkernels.matcher import MaximumMatcher

    ious = ious_of(image)
    matches = MaximumMatcher(0.5)(ious)
    samples = np.where(matches >= 0, 1, np.where(ious.max(-1) < 0.4, -1, 0))
    return {
        "samples": samples.astype(np.float32),
        "matches": matches,
        "anchors": image.anchors,
        "labels": image.labels,
        "refs": image.boxes,
    }


def _of_image(config: dict[str, Any], *names: str) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        """Yield those of the inputs that are named, of the image's anchors matched at 0.5."""
        if len(image.boxes):
            arrays = labelled_assignment_of(image)
            if "anchors" not in names:
                arrays["refs"] = arrays["labels"]
            yield Case(config, {name: arrays[name] for name in names})

    return annotated


def _overflowing(case: Case) -> Array:
    """Mark corners whose exponential, or whose side, overflows, though half the side does not."""
    x, anchors = (array.astype(np.float64) for array in case.inputs.values())
    dtype = computing_dtype(np.result_type(*case.inputs.values()))
    stds = np.asarray(case.config.get("stds", bounds.STDS), dtype)[2:]
    means = np.asarray(case.config.get("means", bounds.MEANS), dtype)[2:]
    sides = anchors[..., 2:]
    if case.config.get("convert_anchor", False):
        sides = sides - anchors[..., :2]
    exponents = np.clip(x[..., 2:] * stds + means, *_limits(case.config))
    most = np.log(float(np.finfo(dtype).max))
    near = 1 - 1e-5
    with np.errstate(divide="ignore"):
        whole = exponents + np.log(np.abs(sides))
    steps, half = np.maximum(exponents, whole), whole - np.log(2)
    return np.asarray(np.tile((steps > most * near) & (half * near < most), 2))


BOX_INPUTS = ("samples", "matches", "anchors", "refs")
PER_CLASS_INPUTS = ("samples", "matches", "anchors", "labels", "refs")
CLASS_INPUTS = ("samples", "matches", "refs")

OPERATORS = (
    *(
        Operator(
            name,
            "coder",
            lambda parameters: _assignment(BOX_ENCODER, BOX_INPUTS, parameters),
            _targets_and_masks,
            _assignment_axes,
            _of_image({}, *BOX_INPUTS),
        )
        for name in ("NormalizedBoxCenterEncoder", "NumPyNormalizedBoxCenterEncoder")
    ),
    Operator(
        "NormalizedPerClassBoxCenterEncoder",
        "coder",
        lambda parameters: _assignment(
            st.fixed_dictionaries(
                {"num_class": st.just(3)},
                optional={"max_pos": st.sampled_from([1, 2, 128]), "stds": STDS, "means": MEANS},
            ),
            PER_CLASS_INPUTS,
            parameters,
        ),
        _per_class_outputs,
        _assignment_axes,
        _of_image({"num_class": 91}, *PER_CLASS_INPUTS),
        fit=_fit_labels,
    ),
    Operator(
        "NormalizedBoxCenterDecoder",
        "coder",
        _offsets,
        lambda case: (Output.bounded("boxes", bounds.box_center_decoder, _overflowing),),
        _offset_axes,
    ),
    Operator(
        "MultiClassEncoder",
        "coder",
        # There are more classes than int8 or uint8 has numbers for.
        lambda parameters: _assignment(
            configurations(ignore_label=st.sampled_from([-1, 0, 255])),
            CLASS_INPUTS,
            parameters,
            classes=256,
        ),
        lambda case: (Output("targets", index=True),),
        _assignment_axes,
        _of_image({}, *CLASS_INPUTS),
    ),
    *CLASS_DECODERS,
    Operator(
        "SigmoidClassEncoder",
        "coder",
        _samples,
        lambda case: (Output("targets", index=True), Output("masks", index=True)),
        lambda case: {"samples": "PQR"[: case.inputs["samples"].ndim]},
        takes_integers=False,
    ),
    CENTER_NET,
)
