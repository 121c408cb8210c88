"""Differences in the matchers."""

from typing import Any

import numpy as np

from refkernels import matcher as kernels
from refkernels.arrays import Array
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case, Recipe
from refkernels.conformance.peers.gluoncv.mxnet_numbers import (
    as_compared,
    as_read,
    is_readable,
)

__all__ = ["DIVERGENCES"]


def _is_ascend(case: Case) -> bool:
    return bool(case.config.get("is_ascend", False))


def _greedy(x: Array, threshold: float, is_ascend: bool) -> Array:
    """Return the first stage of gluoncv's bipartite matching, for one image."""
    matches, taken = np.full(len(x), -1), np.zeros(x.shape[1], bool)
    values = x.ravel().astype(np.float64)
    candidates = np.flatnonzero(values < threshold if is_ascend else values > threshold)
    keys = values[candidates] if is_ascend else -values[candidates]
    for place in candidates[np.argsort(keys, kind="stable")]:
        row, column = divmod(int(place), x.shape[1])
        if matches[row] < 0 and not taken[column]:
            matches[row], taken[column] = column, True
            if taken.all():
                break
    return matches


def _bipartite(case: Case, *, own_threshold: bool = False, index_dtype: Any = np.float16) -> Array:
    """Return what gluoncv's BipartiteMatcher gives; two of its faults can be taken off.

    Parameters
    ----------
    own_threshold : bool
        Whether the greedy stage has the threshold in the matrix's dtype, not as MXNet reads it.
    index_dtype : dtype
        That of the matches of a float16 matrix.
    """
    x = case.inputs["x"]
    number = x.dtype.type
    numbers = index_dtype if x.dtype == np.float16 else np.int64
    threshold = case.config.get("threshold", 1e-12)
    limit = float(number(threshold) if own_threshold else as_read(threshold, np.float32))
    images = x.reshape(-1, *x.shape[-2:])
    first = np.array([_greedy(image, limit, _is_ascend(case)) for image in images])
    first = first.reshape(x.shape[:-1]).astype(numbers)
    largest = x.argmax(-1).astype(numbers)
    reach = x + number(as_read(case.config.get("eps", 1e-12))) >= x.max(-2, keepdims=True)
    shared = reach.any(-1) if case.config.get("share_max", True) else _pick(reach, largest)
    return np.where(first >= 0, first, np.where(shared, largest, -1))


def _pick(x: Array, column: Array) -> Array:
    """Return an element of each row, as MXNet picks it: the last, if the column is none."""
    column = np.minimum(column.astype(np.int64), x.shape[-1] - 1)
    return np.asarray(np.take_along_axis(x, column[..., None], -1)[..., 0])


def _second_stage_differs(case: Case) -> bool:
    expected = kernels.BipartiteMatcher(**case.config)(case.inputs["x"])
    found = _bipartite(case, own_threshold=True, index_dtype=np.int64)
    return not np.array_equal(found, expected)


def _rounds_threshold(case: Case) -> bool:
    """Tell whether it matters that pairs are compared with the threshold in float32."""
    return not np.array_equal(_bipartite(case), _bipartite(case, own_threshold=True))


def _rounds_indices(case: Case) -> bool:
    """Tell whether it matters that columns are numbered in float16."""
    if case.inputs["x"].dtype != np.float16 or case.inputs["x"].shape[-1] <= 2049:
        return False
    exact = _bipartite(case, index_dtype=np.int64)
    return not np.array_equal(_bipartite(case), exact)


def _maximum(case: Case, *, own_threshold: bool = False, index_dtype: Any = np.float16) -> Array:
    """Return what gluoncv's MaximumMatcher gives; both of its faults can be taken off."""
    x = case.inputs["x"]
    largest = x.argmax(-1).astype(index_dtype if x.dtype == np.float16 else np.int64)
    threshold = case.config["threshold"]
    limit = x.dtype.type(threshold) if own_threshold else as_compared(threshold, x.dtype)
    return np.where(_pick(x, largest) >= limit, largest, -1)


def _maximum_differs(case: Case, **without: Any) -> bool:
    return not np.array_equal(_maximum(case), _maximum(case, **without))


def _is_unreadable(recipe: Recipe) -> bool:
    """Tell whether MXNet cannot read the threshold of a matcher."""
    if recipe.name == "MaximumMatcher":
        return not is_readable(recipe.config["threshold"])
    return not is_readable(recipe.config.get("threshold", 1e-12), np.float32)


def _part_differs(case: Case) -> bool:
    """Tell whether some matcher's difference is left when the others have had their say."""
    models: Any = {"BipartiteMatcher": _bipartite, "MaximumMatcher": _maximum}
    matches = np.array(-1)
    for recipe in case.config["matchers"]:
        own = models[recipe.name](Case(recipe.config, case.inputs))
        matches = np.where(matches >= 0, matches, own)
    parts = [getattr(kernels, recipe.name)(**recipe.config) for recipe in case.config["matchers"]]
    return not np.array_equal(matches, kernels.CompositeMatcher(parts)(case.inputs["x"]))


LARGEST_IS_2049 = np.arange(2050) // 2049

DIVERGENCES = (
    Divergence(
        "GCV-016",
        "BipartiteMatcher",
        "Rows share the best of a column however low it is: the threshold is only for the greedy "
        "stage. So where a ground truth overlaps nothing, as padding does, every anchor is "
        "matched.",
        lambda case: not _is_ascend(case) and _second_stage_differs(case),
        witness(x=[[0]]),
    ),
    Divergence(
        "GCV-017",
        "BipartiteMatcher",
        "With is_ascend=True rows still share the largest value of a column, not the smallest.",
        lambda case: _is_ascend(case) and _second_stage_differs(case),
        witness({"is_ascend": True}, x=[[0.5]]),
    ),
    Divergence(
        "GCV-018",
        "BipartiteMatcher",
        "The threshold is compared in float32, and as MXNet reads it from text: for float64 and "
        "float16 matrices it is another one.",
        _rounds_threshold,
        witness(x=[[1, 1], [0, 1e-12]]),
        "float64",
    ),
    Divergence(
        "GCV-019",
        "BipartiteMatcher",
        "A threshold beyond the normal range of float32, such as 1e-40, raises an error: MXNet "
        "cannot read it.",
        lambda case: _is_unreadable(Recipe("BipartiteMatcher", case.config)),
        witness({"threshold": 1e-40}, x=[[0]]),
    ),
    Divergence(
        "GCV-020",
        "BipartiteMatcher",
        "Matches of a float16 matrix are float16, which does not count past 2048.",
        _rounds_indices,
        witness(x=[LARGEST_IS_2049]),
        "float16",
    ),
    Divergence(
        "GCV-021",
        "MaximumMatcher",
        "Matches of a float16 matrix are float16, which does not count past 2048, and the value "
        "held against the threshold is that of the rounded column.",
        lambda case: _maximum_differs(case, index_dtype=np.int64),
        witness({"threshold": 0.5}, x=[LARGEST_IS_2049]),
        "float16",
    ),
    Divergence(
        "GCV-022",
        "MaximumMatcher",
        "A float64 matrix is held against the threshold as MXNet reads it from text, which may be "
        "off in the last place; for a float16 one it is rounded twice.",
        lambda case: _maximum_differs(case, own_threshold=True),
        witness({"threshold": 0.37616991782292797}, x=[[0.37616991782292797]]),
        "float64",
    ),
    Divergence(
        "GCV-023",
        "MaximumMatcher",
        "A threshold below the normal range of float64 raises an error: MXNet cannot read it.",
        lambda case: _is_unreadable(Recipe("MaximumMatcher", case.config)),
        witness({"threshold": 1e-308}, x=[[0]]),
    ),
    Divergence(
        "GCV-024",
        "CompositeMatcher",
        "What its matchers do otherwise shows, unless an earlier one has matched the row.",
        _part_differs,
        witness({"matchers": [Recipe("BipartiteMatcher")]}, x=[[0]]),
    ),
    Divergence(
        "GCV-025",
        "CompositeMatcher",
        "A threshold that MXNet cannot read, in one of its matchers, raises an error.",
        lambda case: any(_is_unreadable(recipe) for recipe in case.config["matchers"]),
        witness({"matchers": [Recipe("MaximumMatcher", {"threshold": 1e-308})]}, x=[[0]]),
    ),
)
