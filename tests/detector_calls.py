"""Calls of the operators of today's detectors (SPEC sections 6 and 10), beside `tests.calls`."""

from typing import Any

import numpy as np

import refkernels
from refkernels.arrays import Array
from tests.calls import (
    ANCHORS,
    CALLS,
    CLASSES,
    SIDE,
    TRUTHS,
    Call,
    Inputs,
    boxes,
    ious,
    matches,
    matrix,
    numbers,
    samples,
    two_sets,
)

__all__ = ["ALL_CALLS"]


def overlaps(rng: np.random.Generator, style: str, dtype: Any) -> Array:
    """A matrix of numbers that are not negative."""
    return np.abs(ious(rng, style, dtype))


def chances(rng: np.random.Generator, style: str, dtype: Any) -> Array:
    """Scores of classes, in [0, 1]."""
    drawn = np.abs(numbers(rng, style, dtype, ANCHORS, CLASSES))
    if style == "many":
        drawn = np.round(drawn)
    return np.minimum(drawn, dtype(1))


def mask(rng: np.random.Generator, style: str) -> Array:
    share = {"none": 0.0, "many": 1.0}.get(style, 0.5)
    return rng.random((ANCHORS, TRUTHS)) < share


def _labels(rng: np.random.Generator, style: str) -> Array:
    return np.full(TRUTHS, -1) if style == "padding" else rng.integers(0, CLASSES, TRUTHS)


def _adaptive(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "ious": ious(rng, style, dtype),
        "distances": numbers(rng, style, dtype, ANCHORS, TRUTHS),
        "inside": mask(rng, style),
    }


def _transported(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "cost": numbers(rng, style, dtype, ANCHORS, TRUTHS),
        "ious": overlaps(rng, style, dtype),
        "valid": mask(rng, style)[:, 0],
    }


def _aligned(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "metric": overlaps(rng, style, dtype),
        "ious": overlaps(rng, style, dtype),
        "inside": mask(rng, style),
    }


def _candidates(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {"candidates": samples(rng, style, matches(rng, style))}


def _points(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    near = boxes(rng, style, dtype, ANCHORS, "corner")
    return {"points": near[:, :2], "boxes": boxes(rng, style, dtype, TRUTHS, "corner")}


def _scored(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "scores": chances(rng, style, dtype),
        "labels": _labels(rng, style),
        "ious": overlaps(rng, style, dtype),
    }


def _costly(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {**_scored(rng, style, dtype), "inside": mask(rng, style)}


def _predicted(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    return {
        "logits": numbers(rng, style, dtype, ANCHORS, CLASSES),
        "boxes": boxes(rng, style, dtype, ANCHORS, "center"),
        "labels": _labels(rng, style),
        "truths": boxes(rng, style, dtype, TRUTHS, "center"),
    }


def _labelled(rng: np.random.Generator, style: str, dtype: Any) -> Inputs:
    own = boxes(rng, style, dtype, TRUTHS, "corner")
    return {"boxes": own, "labels": rng.integers(0, CLASSES, TRUTHS)}


def _boxes_of_points(name: str, count: int) -> Any:
    return lambda rng, style, dtype: {name: boxes(rng, style, dtype, count, "corner")}


def _places(*names: str) -> Any:
    """What belongs to the points of every image: where they are, and how they are measured."""

    def draw(rng: np.random.Generator, dtype: Any) -> Inputs:
        every = {
            "points": rng.uniform(0, 20, (ANCHORS, 2)).astype(dtype),
            "sizes": rng.uniform(1, 8, (ANCHORS, 2)).astype(dtype),
            "strides": rng.uniform(1, 8, ANCHORS).astype(dtype),
            "ranges": np.tile(np.array([0, 15], dtype), (ANCHORS, 1)),
        }
        return {name: every[name] for name in names}

    return draw


ALL_CALLS = (
    *CALLS,
    Call("threshold", refkernels.ThresholdMatcher(0.6, 0.3), matrix, rowwise=True),
    Call("own low quality", refkernels.ThresholdMatcher(0.6, low_quality="own"), matrix),
    Call(
        "truths of low quality",
        refkernels.ThresholdMatcher(0.6, 0.3, "truth", 0.1, ties=False, winner="first"),
        matrix,
    ),
    Call(
        "adaptive",
        refkernels.ATSSMatcher(topk=2),
        _adaptive,
        lambda rng, dtype: {"levels": np.array([5, ANCHORS - 5])},
    ),
    Call("transport", refkernels.SimOTAMatcher(candidate_topk=3), _transported),
    Call("transport, selected", refkernels.SimOTAMatcher(2, "selected"), _transported),
    Call("aligned", refkernels.TaskAlignedMatcher(topk=3), _aligned),
    Call("aligned, selected", refkernels.TaskAlignedMatcher.tood(topk=3), _aligned),
    Call(
        "hungarian",
        refkernels.HungarianMatcher(),
        lambda rng, style, dtype: {"cost": numbers(rng, style, dtype, ANCHORS, TRUTHS)},
    ),
    Call(
        "points",
        refkernels.PointMatcher(radius=1.5),
        _boxes_of_points("boxes", TRUTHS),
        _places("points", "strides", "ranges"),
    ),
    Call(
        "quota, balanced",
        lambda candidates: refkernels.BalancedSampler(4)(candidates, rng=7),
        _candidates,
    ),
    Call("pair distance", refkernels.CenterDistance(), two_sets("corner")),
    Call("pair distance of centers", refkernels.CenterDistance(fmt="center"), two_sets("center")),
    Call("inside", refkernels.InsideMask(), _points),
    Call("inside a margin", refkernels.InsideMask(0.1, fmt="center"), _points),
    Call("metric", refkernels.TaskAlignedMetric(), _scored),
    Call("metric of any power", refkernels.TaskAlignedMetric(0.7, 2.3), _scored),
    Call("cost of transport", refkernels.SimOTACost(), _costly),
    Call("cost of sets", refkernels.DETRCost(), _predicted),
    Call("cost of sets, focal", refkernels.DETRCost.deformable(), _predicted),
    Call(
        "distance encoder",
        refkernels.DistanceEncoder(),
        _boxes_of_points("boxes", ANCHORS),
        _places("points"),
    ),
    Call(
        "distance encoder, normalized",
        refkernels.DistanceEncoder(normalize=True),
        _boxes_of_points("boxes", ANCHORS),
        _places("points", "sizes"),
    ),
    Call(
        "distance decoder, normalized",
        refkernels.DistanceDecoder(normalize=True),
        _boxes_of_points("distances", ANCHORS),
        _places("points", "sizes"),
    ),
    Call(
        "heat map encoder",
        refkernels.CenterHeatmapEncoder(CLASSES, (SIDE, SIDE + 1)),
        _labelled,
    ),
)
