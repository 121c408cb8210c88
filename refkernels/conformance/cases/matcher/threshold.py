"""Cases of the matcher with two thresholds (SPEC section 6): comparisons alone, so all is exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.matcher.laws import (
    Run,
    alone_and_together,
    first_difference,
    relabelled,
    settled,
    twice,
)
from refkernels.conformance.cases.sampler.corners import around
from refkernels.conformance.cases.strategies import (
    about_threshold,
    at_threshold,
    iou_matrices,
    seeded_iou_matrices,
    thresholds,
)
from refkernels.conformance.model.compare import compare_exact
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["AIMED", "CORNERS", "OPERATORS"]

NAME = "ThresholdMatcher"

SMALL = st.integers(1, 4)
LARGE = st.integers(1, 40)
# From column 2048 on float16 does not count one by one.
WIDE = st.integers(2050, 2300)

QUALITY = {"low_quality": st.sampled_from(["own", "truth", "truth", None])}
OPTIONS = st.fixed_dictionaries(
    {"high": thresholds()},
    optional={
        **QUALITY,
        "min_quality": st.sampled_from([0.0, 0.25, 0.5, -1.0]) | thresholds(),
        "ties": st.booleans(),
        "winner": st.sampled_from(["last", "first"]),
    },
)


@st.composite
def _matrix(draw: DrawFn, parameters: Parameters) -> Case:
    config: dict[str, Any] = draw(parameters.options(OPTIONS))
    if parameters.may_set("low") and draw(st.integers(0, 2)):
        config["low"] = min(config["high"], draw(thresholds()))
    if config.get("low") is not None and config["low"] > config["high"]:
        config["high"] = config["low"]  # which stands at a value of its own
    images = draw(st.none() | st.integers(1, 3))
    batch = None if images is None else st.just(images)
    small, large = iou_matrices(SMALL, SMALL, batch), seeded_iou_matrices(LARGE, LARGE, batch)
    wide = seeded_iou_matrices(SMALL, WIDE, batch)
    x = draw(st.one_of(small, small, small, large, large, large, wide))
    threshold = draw(st.sampled_from(_thresholds_of(config)))
    if parameters.fixed is not None:
        x = draw(about_threshold(x, threshold))
    for image in x.reshape(-1, *x.shape[-2:]):
        # What most columns are in practice: low even at their best, and some without any overlap.
        image *= draw(st.sampled_from([1, 1, 0.25]))
        for c in draw(st.lists(st.integers(0, image.shape[1] - 1), max_size=2)):
            image[:, c] = draw(st.sampled_from([0.0, 0.0, 0.125]))
        if draw(st.integers(0, 3)) == 3:  # a row is the best of several columns, or of all
            image[draw(st.integers(0, len(image) - 1))] = image.max(0)
    if draw(st.booleans()):
        level = draw(st.sampled_from(x.ravel()[-9:].tolist()))
        x = np.where(x == level, draw(at_threshold(threshold)), x)
    return Case(config, {"x": x})


def _thresholds_of(config: Mapping[str, Any]) -> list[float]:
    """Return the thresholds that a configuration has."""
    own = [config["high"], config.get("low")]
    if config.get("low_quality") is not None:
        own.append(config.get("min_quality", 0.0))
    return [threshold for threshold in own if threshold is not None]


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    return {"x": "ABNM"[-case.inputs["x"].ndim :]}


KNOWN: tuple[dict[str, Any], ...] = (
    {"high": 0.7, "low": 0.3, "low_quality": "own"},
    {"high": 0.5, "low": 0.4, "low_quality": "truth"},
    {"high": 0.5, "low_quality": "truth", "ties": False},
    {"high": 0.6, "low": 0.5, "low_quality": "truth", "ties": False, "winner": "first"},
    {"high": 0.7, "low": 0.3, "low_quality": "truth", "min_quality": 0.3},
    {"high": 0.5},
)


def _of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        for config in KNOWN:
            yield Case(config, {"x": ious_of(image)})


def _law_matrix(seed: int = 0, rows: int = 20, columns: int = 12) -> Array:
    """Return IoUs that are all different, where each column's largest is in a row of its own.

    Some of these are high, some are between the usual thresholds, and some are low.
    """
    rng = np.random.default_rng(seed)
    # Odd numbers stay different when they are halved.
    x = 2 * rng.permutation(rows * columns).reshape(rows, columns) + 1
    x[rng.permutation(rows)[:columns], np.arange(columns)] = 2 * (x.size + np.arange(columns)) + 1
    share = np.array([1, 0.5, 0.25])[np.arange(columns) % 3]
    return np.asarray(x * share / 512, np.float32)


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, {"x": _law_matrix(seed)}) for seed in range(3)]


def _may_come_in_any_order(run: Run, parameters: Parameters) -> str | None:
    x, rng = _law_matrix(), np.random.default_rng(1)
    rows, columns = rng.permutation(x.shape[0]), rng.permutation(x.shape[1])
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, {"x": x}))
        (permuted,) = run(Case(config, {"x": x[rows][:, columns]}))
        wrong = first_difference(matches[rows], relabelled(permuted, columns), str(config))
        if wrong is not None:
            return wrong
    return None


def _pads_without_effect(run: Run, parameters: Parameters) -> str | None:
    """Put columns of 0 before, between and after others, and in the place of all."""
    x = _law_matrix()
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, {"x": x}))
        for kept in (np.arange(12), np.arange(1, 13), np.r_[0:5, 7:14]):
            padded = np.zeros((len(x), kept.max() + 2), x.dtype)
            padded[:, kept] = x
            (found,) = run(Case(config, {"x": padded}))
            wrong = first_difference(relabelled(matches, kept), found, str(config))
            if wrong is not None:
                return wrong
        (found,) = run(Case(config, {"x": 0 * x}))
        if config["high"] > 0 and (found >= 0).any():
            return f"anchor {int(np.argmax(found >= 0))} is matched where all is 0, with {config}"
    return None


def _takes_away(run: Run, parameters: Parameters) -> str | None:
    if parameters.fixed is not None:
        raise Untried("it takes several thresholds")
    x = _law_matrix()
    lower = None
    for high in (0.25, 0.5, 0.75, 0.875):
        (config,) = settled(parameters, {"high": high, "low": 0.125})
        (matches,) = run(Case(config, {"x": x}))
        if lower is not None:
            wrong = first_difference(np.where(matches < 0, matches, lower), matches)
            if wrong is not None:
                return f"with high {high}: {wrong}"
        lower = matches
    return None


def _meets_thresholds_exactly(run: Run, parameters: Parameters) -> str | None:
    """Give scores just below each threshold, at it and just above, each as an image of its own."""
    from refkernels.conformance.cases import find

    configs: list[dict[str, Any]] = [{"high": high} for high in LONG]
    configs += [{"high": max(LONG), "low": low} for low in LONG]
    configs += [{"high": 1.0, "low_quality": "own", "min_quality": least} for least in LONG]
    for config in settled(parameters, *configs):
        for threshold in _thresholds_of(config):
            for dtype in (np.float32, np.float64):
                for value in around(threshold, dtype):
                    case = Case(config, {"x": np.array([[value]])})
                    (expected,) = find(NAME).define(case)
                    (matches,) = run(case)
                    wrong = compare_exact("matches", matches, expected, None)
                    if wrong is not None:
                        return f"{case.call(NAME)} of {dtype.__name__} {value!r}: {wrong.what}"
    return None


# With all the digits there are.
LONG = [float(n) / 2**53 for n in np.random.default_rng(0).integers(2**50, 2**53, 12)]

LAWS = (
    Law("anchors and ground truths without ties may come in any order", _may_come_in_any_order),
    Law("a ground truth that overlaps nothing changes no match", _pads_without_effect),
    Law("a higher threshold takes matches away and changes none", _takes_away),
    Law("scores are compared with thresholds to the last digit", _meets_thresholds_exactly),
    alone_and_together(_images, ("x",), *KNOWN),
    twice(_images, *KNOWN),
)


def _corners() -> Iterator[Case]:
    half = 0.5 + 2**-12 + 2**-30  # above the middle of two float16, but not of their float32
    for threshold in (half, 0.7, 2.0**-149 * 2.5):
        for dtype in (np.float16, np.float32, np.float64):
            x = around(threshold, dtype)
            config = {"high": 1.0, "low": threshold, "low_quality": "own"}
            yield Case(config, {"x": x[:, None]})
            yield Case({**config, "min_quality": threshold}, {"x": x.reshape(3, 1, 1)})
    for config in KNOWN:
        # All tie; two columns want one row; a column is the best of a row that has a better one.
        yield Case(config, {"x": np.full((3, 3), 0.25)})
        yield Case(config, {"x": np.array([[0.25, 0.25], [0.0, 0.125]])})
        yield Case(config, {"x": np.array([[0.9, 0.375], [0.2, 0.25], [0.9, 0.375]])})
        yield Case(config, {"x": np.array([[-1.0, -0.5], [-0.25, -2.0]])})
    yield Case(
        {"high": 0.5, "low_quality": "own", "min_quality": -1.0},
        {"x": np.array([[-0.5, 0.0], [-0.25, 0.0]])},
    )
    # Without ground truths the value of a row is 0.
    for high, low in ((0.5, 0.0), (0.5, 0.25), (0.5, -0.25), (0.0, 0.0), (-0.25, -0.5)):
        for quality in (None, "own", "truth"):
            yield Case({"high": high, "low": low, "low_quality": quality}, {"x": np.zeros((2, 0))})
    for config in KNOWN:  # without anchors there is nothing to match
        for shape in ((0, 2), (0, 0), (2, 0, 3)):
            yield Case(config, {"x": np.zeros(shape)})
    rng = np.random.default_rng(0)
    # More rows than a block of threads, or than are read again together, more columns, and images.
    for *images, count, truths in ((20011, 3), (4099, 5), (7, 1031), (1, 300), (131, 9, 2)):
        x = rng.random((*images, count, truths)) * (rng.random((*images, count, truths)) < 0.5) / 2
        x = np.minimum(np.round(x * 64) / 64, 0.46875)  # the best of a column is so in many rows
        for config in KNOWN[:4]:
            yield Case(config, {"x": x})
            yield Case(config, {"x": np.sort(x, -2)})
    # Exactly as many rows as are read again together.
    yield Case({"high": 0.5, "low_quality": "truth"}, {"x": rng.random((16384, 1)) / 4})


def _aimed(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield scores around each threshold: alone, and as the best of a column."""
    for threshold in _thresholds_of(config):
        for dtype in (np.float16, np.float32, np.float64):
            x = around(threshold, dtype)
            yield Case({}, {"x": x.reshape(3, 1, 1)})
            yield Case({}, {"x": np.stack([x, x[::-1]], -1)})
            yield Case({}, {"x": np.stack([x, x], -1)})


CORNERS = {NAME: _corners}
AIMED = {NAME: _aimed}

OPERATORS = (
    Operator(NAME, "matcher", _matrix, _matches, _axes, _of_image, laws=LAWS, has_block=False),
)
