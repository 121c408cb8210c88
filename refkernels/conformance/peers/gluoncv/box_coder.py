"""Differences in the coders of boxes."""

from typing import Any

import numpy as np

from refkernels import coder as kernels
from refkernels.arrays import Array
from refkernels.bounds import coder as bounds
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case

__all__ = ["DIVERGENCES"]

# Up to so many elements MXNet's sort on a CPU is stable.
STABLE = 16

SYMBOLIC = ("hybridised", "exported")


def _is_single(case: Case) -> bool:
    return bool(case.inputs["samples"].ndim == 1)


def _dtype(case: Case, name: str) -> Any:
    return case.inputs[name].dtype


def _anchors_are_shared(case: Case) -> bool:
    return case.inputs["anchors"].ndim == 3 and len(case.inputs["anchors"]) < len(
        case.inputs["samples"]
    )


def _center_form(boxes: Array) -> list[Array]:
    xmin, ymin, xmax, ymax = np.moveaxis(boxes, -1, 0)
    half = boxes.dtype.type(0.5)
    width, height = xmax - xmin, ymax - ymin
    return [xmin + width * half, ymin + height * half, width, height]


def _encoded(case: Case) -> Array:
    """Return the targets of all anchors, each operation in the dtype of the boxes."""
    anchors, refs = case.inputs["anchors"], case.inputs["refs"]
    number = np.result_type(anchors, refs).type
    matches = np.clip(case.inputs["matches"], 0, refs.shape[1] - 1).astype(np.int64)
    ax, ay, aw, ah = _center_form(anchors)
    gx, gy, gw, gh = _center_form(np.take_along_axis(refs, matches[..., None], 1))
    codes = [(gx - ax) / aw, (gy - ay) / ah, np.log(gw / aw), np.log(gh / ah)]
    means = case.config.get("means", bounds.MEANS)
    stds = case.config.get("stds", bounds.STDS)
    return np.stack(
        [(c - number(m)) / number(s) for c, m, s in zip(codes, means, stds, strict=True)], -1
    )


def _encoder_is_rounded(case: Case) -> bool:
    """Tell whether it shows that each operation on float16 boxes is rounded to float16."""
    boxes = {_dtype(case, "anchors"), _dtype(case, "refs")}
    return boxes == {np.dtype(np.float16)} and _steps_are_rounded(case)


def _centers_are_narrow(case: Case) -> bool:
    """Tell whether it shows that of boxes of two dtypes each has its centres in its own."""
    return _dtype(case, "anchors") != _dtype(case, "refs") and _steps_are_rounded(case)


def _steps_are_rounded(case: Case) -> bool:
    if _is_single(case):
        return False
    operator = kernels.NormalizedBoxCenterEncoder(**case.config)
    wide = {
        name: array.astype(np.float64) if name in ("anchors", "refs") else array
        for name, array in case.inputs.items()
    }
    with np.errstate(all="ignore"):
        found, expected = _encoded(case), operator(*case.inputs.values())[0]
        exact = operator(*wide.values())[0]
        far = ~(
            np.abs(found.astype(np.float64) - exact)
            <= bounds.box_center_encoder(*case.inputs.values(), **case.config)
        )
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    return bool((far & ~same & (case.inputs["samples"] > 0.5)[..., None]).any())


def _matches_nothing(case: Case) -> bool:
    count = case.inputs["refs"].shape[-2]
    matches = case.inputs["matches"]
    return bool(((matches < -count) | (matches >= count)).any())


def _is_other_batch(case: Case) -> bool:
    size = case.config.get("per_device_batch_size", 1)
    return not _is_single(case) and len(case.inputs["samples"]) != size


def _are_out_of_order(case: Case) -> bool:
    """Tell whether an unstable sort may change which of several equal rows come first."""
    positive = np.atleast_2d(case.inputs["samples"] > 0.5)
    size = positive.shape[1]
    count, rows = positive.sum(1), min(case.config.get("max_pos", 128), size)
    return size > STABLE and bool(((count > 1) | ((count < rows) & (size - count > 1))).any())


PER_CLASS = {"num_class": 1, "max_pos": 1}
UNIT = [[[0, 0, 1, 1]]]

DIVERGENCES = (
    Divergence(
        "GCV-064",
        "NormalizedBoxCenterEncoder",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness(samples=[1], matches=[0], anchors=UNIT[0], refs=UNIT[0]),
    ),
    Divergence(
        "GCV-065",
        "NormalizedBoxCenterEncoder",
        "Anchors (1, N, 4) for a larger batch raise an error once the block is hybridised.",
        _anchors_are_shared,
        witness(samples=[[1], [1]], matches=[[0], [0]], anchors=UNIT, refs=UNIT * 2),
        modes=SYMBOLIC,
    ),
    Divergence(
        "GCV-066",
        "NormalizedBoxCenterEncoder",
        "Anchors and boxes of two dtypes raise an error.",
        lambda case: _dtype(case, "anchors") != _dtype(case, "refs"),
        witness(samples=[[1]], matches=[[0]], anchors=np.array(UNIT, np.float32), refs=UNIT),
        "float64",
    ),
    Divergence(
        "GCV-067",
        "NormalizedBoxCenterEncoder",
        "Masks have the dtype of the samples, not that of the targets.",
        lambda case: _dtype(case, "samples") != _dtype(case, "anchors"),
        witness(samples=np.array([[1]], np.float32), matches=[[0]], anchors=UNIT, refs=UNIT),
        "float64",
    ),
    Divergence(
        "GCV-068",
        "NormalizedBoxCenterEncoder",
        "float16 is rounded at every step, so offsets from small anchors far from the origin are "
        "off by much, and infinite or nan where a width overflows.",
        _encoder_is_rounded,
        witness(samples=[[1]], matches=[[0]], anchors=[[[-1, 0, 193, 0]]], refs=[[[0, 0, 1, 0]]]),
        "float16",
    ),
    Divergence(
        "GCV-069",
        "NumPyNormalizedBoxCenterEncoder",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness(samples=[1], matches=[0], anchors=UNIT[0], refs=UNIT[0]),
    ),
    Divergence(
        "GCV-070",
        "NumPyNormalizedBoxCenterEncoder",
        "In a batch the boxes of every image are picked by the matches of all of them: an error, "
        "or with one anchor a result of the wrong shape.",
        lambda case: not _is_single(case) and len(case.inputs["samples"]) > 1,
        witness(samples=[[1], [1]], matches=np.array([[0], [0]]), anchors=UNIT * 2, refs=UNIT * 2),
    ),
    Divergence(
        "GCV-071",
        "NumPyNormalizedBoxCenterEncoder",
        "Matches of a float dtype, such as the blocks' own, raise an error.",
        lambda case: _dtype(case, "matches").kind == "f",
        witness(samples=[[1]], matches=[[0]], anchors=UNIT, refs=UNIT),
    ),
    Divergence(
        "GCV-072",
        "NumPyNormalizedBoxCenterEncoder",
        "A match that is no box's raises an error, though the anchor is not positive and its match "
        "of no account.",
        _matches_nothing,
        witness(samples=[[0]], matches=np.array([[1]]), anchors=UNIT, refs=UNIT),
        "float64",
    ),
    Divergence(
        "GCV-073",
        "NumPyNormalizedBoxCenterEncoder",
        "Masks are float64 whatever the dtype of the targets. Where that is float16, targets are "
        "rounded at every step besides, as GCV-068 has it.",
        lambda case: np.float64 not in (_dtype(case, "anchors"), _dtype(case, "refs")),
        witness(samples=[[1]], matches=np.array([[0]]), anchors=UNIT, refs=UNIT),
    ),
    Divergence(
        "GCV-075",
        "NormalizedPerClassBoxCenterEncoder",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness(PER_CLASS, samples=[1], matches=[0], anchors=UNIT[0], labels=[0], refs=UNIT[0]),
    ),
    Divergence(
        "GCV-076",
        "NormalizedPerClassBoxCenterEncoder",
        "Fewer anchors than max_pos, 128 by default, raise an error.",
        lambda case: case.inputs["samples"].shape[-1] < case.config.get("max_pos", 128),
        witness(
            {"num_class": 1}, samples=[[1]], matches=[[0]], anchors=UNIT, labels=[[0]], refs=UNIT
        ),
    ),
    Divergence(
        "GCV-077",
        "NormalizedPerClassBoxCenterEncoder",
        "A batch of another size than per_device_batch_size, 1 by default, raises an error or "
        "loses images.",
        _is_other_batch,
        witness(
            PER_CLASS,
            samples=[[1], [1]],
            matches=[[0], [0]],
            anchors=UNIT * 2,
            labels=[[0], [0]],
            refs=UNIT * 2,
        ),
    ),
    Divergence(
        "GCV-078",
        "NormalizedPerClassBoxCenterEncoder",
        "Anchors (1, N, 4) for a larger batch raise an error.",
        lambda case: not _is_single(case) and _anchors_are_shared(case),
        witness(
            {**PER_CLASS, "per_device_batch_size": 2},
            samples=[[1], [1]],
            matches=[[0], [0]],
            anchors=UNIT,
            labels=[[0], [0]],
            refs=UNIT * 2,
        ),
    ),
    Divergence(
        "GCV-079",
        "NormalizedPerClassBoxCenterEncoder",
        "Boxes in another dtype than float32 raise an error, for means and stds are float32.",
        lambda case: {_dtype(case, "anchors"), _dtype(case, "refs")} != {np.dtype(np.float32)},
        witness(PER_CLASS, samples=[[1]], matches=[[0]], anchors=UNIT, labels=[[0]], refs=UNIT),
        "float64",
    ),
    Divergence(
        "GCV-080",
        "NormalizedPerClassBoxCenterEncoder",
        "Samples, matches or labels in another dtype than float32, such as integers, raise an "
        "error.",
        lambda case: any(
            _dtype(case, name) != np.float32 for name in ("samples", "matches", "labels")
        ),
        witness(
            PER_CLASS,
            samples=[[1]],
            matches=[[0]],
            anchors=UNIT,
            labels=np.array([[0]]),
            refs=UNIT,
        ),
    ),
    Divergence(
        "GCV-081",
        "NormalizedPerClassBoxCenterEncoder",
        "From 17 anchors on the sort is not stable, so positives are in no certain order, and "
        "those that max_pos leaves out are not the last.",
        _are_out_of_order,
        witness(
            {"num_class": 1, "max_pos": 1},
            samples=[[0] * 10 + [1] + [0] * 5 + [1]],
            matches=[[0] * 17],
            anchors=[UNIT[0] * 17],
            labels=[[0]],
            refs=UNIT,
        ),
    ),
    Divergence(
        "GCV-082",
        "NormalizedPerClassBoxCenterEncoder",
        "Once it is built for a per_device_batch_size, images cannot be given one by one.",
        lambda case: case.config.get("per_device_batch_size", 1) > 1,
        witness(
            {**PER_CLASS, "per_device_batch_size": 2},
            samples=[[1], [1]],
            matches=[[0], [0]],
            anchors=UNIT * 2,
            labels=[[0], [0]],
            refs=UNIT * 2,
        ),
        modes=("by image",),
    ),
    Divergence(
        "GCV-083",
        "NormalizedBoxCenterDecoder",
        "Arrays without a batch axis raise an error.",
        lambda case: case.inputs["x"].ndim == 2,
        witness(x=[[0, 0, 0, 0]], anchors=[[0, 0, 0, 0]]),
    ),
    Divergence(
        "GCV-084",
        "NormalizedBoxCenterDecoder",
        "There is no argument for the means that the encoders have.",
        lambda case: "means" in case.config,
        witness({"means": (0.0, 0.0, 0.0, 0.0)}, x=[[[0, 0, 0, 0]]], anchors=[[[0, 0, 0, 0]]]),
    ),
    Divergence(
        "GCV-085",
        "NormalizedBoxCenterDecoder",
        "float16 and float64 boxes, or boxes of two dtypes, raise an error on a CPU: MXNet casts "
        "them to a common dtype by an operator that its CPU library does not have for them.",
        lambda case: {_dtype(case, "x"), _dtype(case, "anchors")} != {np.dtype(np.float32)},
        witness(x=[[[0, 0, 0, 0]]], anchors=[[[0, 0, 0, 0]]]),
        "float64",
    ),
    Divergence(
        "GCV-114",
        "NormalizedBoxCenterDecoder",
        "Anchors of their own for each image of a batch, (B, N, 4), raise an error.",
        lambda case: case.inputs["anchors"].ndim == 3 and len(case.inputs["anchors"]) > 1,
        witness(x=[[[0, 0, 0, 0]]] * 2, anchors=[[[0, 0, 0, 0]]] * 2),
    ),
    Divergence(
        "GCV-115",
        "NumPyNormalizedBoxCenterEncoder",
        "Of boxes of two dtypes each has its centres computed in its own, so targets are no better "
        "than the narrower.",
        _centers_are_narrow,
        witness(
            samples=[[1]],
            matches=np.array([[0]]),
            anchors=np.array([[[0, 304.1, 0, 208]]], np.float32),
            refs=[[[0, 0, 0, 0]]],
        ),
        "float64",
    ),
)
