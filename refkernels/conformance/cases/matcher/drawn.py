"""Cases of the matchers (SPEC section 2)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array
from refkernels.conformance.cases.strategies import (
    about_threshold,
    at_threshold,
    configurations,
    iou_matrices,
    seeded_iou_matrices,
    thresholds,
)
from refkernels.conformance.model.compare import compare_exact
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Recipe
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

SMALL = st.integers(1, 4)
# 17 elements and more are where MXNet's sort stops to be stable.
LARGE = st.integers(1, 40)
# From column 2048 on float16 does not count one by one.
WIDE = st.integers(2050, 2300)

BIPARTITE = configurations(
    share_max=st.booleans(),
    is_ascend=st.booleans(),
    threshold=st.sampled_from([1e-12, 0.0, 0.3, 0.5, 0.9, -1.0]) | thresholds(),
    eps=st.sampled_from([1e-12, 0.0, 1e-3, 0.3]),
)
# Below the default threshold there is no distance but 0.
ASCENDING = st.fixed_dictionaries(
    {"is_ascend": st.just(True), "threshold": st.sampled_from([0.5, 0.9, 0.3, 2.0])},
    optional={"share_max": st.booleans(), "eps": st.sampled_from([1e-12, 0.0, 1e-3, 0.3])},
)
MAXIMUM = st.fixed_dictionaries({"threshold": thresholds()})


@st.composite
def _matrix(draw: DrawFn, options: SearchStrategy[dict[str, Any]], parameters: Parameters) -> Case:
    config = draw(parameters.options(options))
    images = draw(st.none() | st.integers(1, 3))
    batch = None if images is None else st.just(images)
    small = iou_matrices(SMALL, SMALL, batch)
    large = seeded_iou_matrices(LARGE, LARGE, batch)
    wide = seeded_iou_matrices(SMALL, WIDE, batch).map(_largest_last)
    # A chain is aimed at by its first matcher; one that is fixed by each of them.
    members = _members(config)
    own = draw(st.sampled_from(members)) if parameters.fixed is not None else members[0]
    threshold = own.get("threshold", 1e-12)
    edge = at_threshold(threshold)
    x = draw(st.one_of(small, small, large, large, wide, _one_good_row(edge, batch)))
    if parameters.fixed is not None:
        x = draw(about_threshold(x, threshold))
    if draw(st.booleans()):
        level = draw(st.sampled_from(x.ravel()[-9:]))
        x = np.where(x >= level if draw(st.booleans()) else x == level, draw(edge), x)
    if x.shape[-2] > 1 and own.get("eps") and draw(st.booleans()):
        # As far from the best of a column as eps allows, or just not: rounding decides.
        eps = own["eps"]
        ascending = own.get("is_ascend", False)
        x[..., -1, :] = x.min(-2) + eps if ascending else x.max(-2) - eps
    if images is not None and draw(st.integers(0, 7)) == 7:
        x = np.stack([x, x[::-1]])
    return Case(config, {"x": x})


def _members(config: Any) -> list[Any]:
    """Return the configurations of a chain's matchers, or of a single one its own."""
    if "matchers" not in config:
        return [config]
    return [own for recipe in config["matchers"] for own in _members(recipe.config)]


@st.composite
def _one_good_row(
    draw: DrawFn, edge: SearchStrategy[float], batch: SearchStrategy[int] | None
) -> Array:
    """Draw matrices whose first row is the best everywhere; of the others the edge decides."""
    x = np.zeros_like(draw(iou_matrices(st.integers(2, 4), st.integers(2, 4), batch)))
    x[..., 0, :] = 1
    columns = draw(st.lists(st.integers(0, x.shape[-1] - 1), min_size=1, max_size=3))
    for row, column in enumerate(columns[: x.shape[-2] - 1], 1):
        x[..., row, column] = draw(edge)
    return x


def _largest_last(x: Array) -> Array:
    return np.asarray(np.concatenate([x[..., :2048] / 4, x[..., 2048:]], -1))


def _matchers() -> SearchStrategy[list[Recipe]]:
    one = BIPARTITE.map(lambda config: Recipe("BipartiteMatcher", config)) | MAXIMUM.map(
        lambda config: Recipe("MaximumMatcher", config)
    )
    return st.lists(one, min_size=1, max_size=3)


def _axes(case: Case) -> dict[str, str]:
    return {"x": "ABNM"[-case.inputs["x"].ndim :]}


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def ious_of(image: Image) -> Any:
    """Return the IoU matrix of an image's anchors and boxes, (N, M) float64."""
    from refkernels.bbox import BBoxBatchIOU

    return BBoxBatchIOU()(image.anchors, image.boxes)


def _with(*configs: dict[str, Any]) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        """Yield the IoUs of the image, once for each configuration."""
        if len(image.boxes):
            for config in configs:
                yield Case(config, {"x": ious_of(image)})

    return annotated


def _law_matrix() -> Array:
    """Return IoUs of two images, all different."""
    rng = np.random.default_rng(0)
    levels = np.stack([rng.permutation(20 * 12) for _ in range(2)]) + 1
    return np.asarray(levels.reshape(2, 20, 12) / 241, np.float32)


def _is_equivariant(*configs: dict[str, Any]) -> Callable[[Run, Parameters], str | None]:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first match that does not move along with its row and its column."""
        x, rng = _law_matrix(), np.random.default_rng(1)
        rows, columns = rng.permutation(x.shape[1]), rng.permutation(x.shape[2])
        for config in configs if parameters.fixed is None else [dict(parameters.fixed)]:
            config = parameters.of_law(config)
            (matches,) = run(Case(config, {"x": x}))
            (permuted,) = run(Case(config, {"x": x[:, rows][:, :, columns]}))
            permuted = permuted.astype(int)
            back = np.where(permuted < 0, permuted, columns[permuted])
            wrong = _first_difference(matches[:, rows], back)
            if wrong is not None:
                return f"{config}: {wrong}"
        return None

    return check


def _is_monotone(at: Callable[[float], dict[str, Any]]) -> Callable[[Run, Parameters], str | None]:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first match that is not there at the threshold below, too."""
        if parameters.fixed is not None:
            raise Untried("it takes several thresholds")
        x = _law_matrix()
        lower = None
        for threshold in (0.25, 0.5, 0.75, 0.875):
            (matches,) = run(Case(parameters.of_law(at(threshold)), {"x": x}))
            if lower is not None:
                wrong = _first_difference(np.where(matches < 0, matches, lower), matches)
                if wrong is not None:
                    return f"with threshold {threshold}: {wrong}"
            lower = matches
        return None

    return check


def _as_defined(name: str, run: Run, case: Case) -> str | None:
    """Hold matches of a small case to the definition."""
    from refkernels.conformance.cases import find

    (expected,) = find(name).define(case)
    (matches,) = run(case)
    wrong = compare_exact("matches", matches, expected, None)
    if wrong is None:
        return None
    (x,) = case.inputs.values()
    return f"{case.call(name)} of {x.dtype} {x.tolist()}: {wrong.what}"


def _meets_thresholds_exactly(name: str) -> Callable[[Run, Parameters], str | None]:
    """Give scores just below a threshold, at it, and just above, each as an image of its own."""

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first scores around a threshold that are not matched as is defined."""
        configs = [parameters.of_law({"threshold": threshold}) for threshold in LONG_THRESHOLDS]
        for dtype in (np.float32, np.float64):
            for config in configs if parameters.fixed is None else configs[:1]:
                for threshold in {own.get("threshold", 1e-12) for own in _members(config)}:
                    at = dtype(threshold)
                    x = np.array(
                        [np.nextafter(at, dtype(-np.inf)), at, np.nextafter(at, dtype(np.inf))]
                    )
                    wrong = _as_defined(name, run, Case(config, {"x": x.reshape(3, 1, 1)}))
                    if wrong is not None:
                        return wrong
        return None

    return check


def _meets_chain_thresholds(run: Run, parameters: Parameters) -> str | None:
    if parameters.fixed is None:
        return None  # each matcher is held to its own
    return _meets_thresholds_exactly("CompositeMatcher")(run, parameters)


def _tells_neighbours_apart(
    name: str, *configs: dict[str, Any]
) -> Callable[[Run, Parameters], str | None]:
    """Give three rows of a score and the next higher one, on the good side of the threshold."""

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first neighbouring scores that are not matched as is defined."""
        for config in configs:
            config = parameters.of_law(config)
            for dtype in (np.float32, np.float64):
                for own in _members(config):
                    threshold = own.get("threshold", 1e-12)
                    step = -0.05 if own.get("is_ascend", False) else 0.05
                    low = dtype(threshold + step if parameters.fixed is not None else 0.3)
                    x = np.array([[low, np.nextafter(low, dtype(np.inf))]] * 3)
                    wrong = _as_defined(name, run, Case(config, {"x": x}))
                    if wrong is not None:
                        return wrong
        return None

    return check


def _adds_eps_to_scores(run: Run, parameters: Parameters) -> str | None:
    """Give a best score, and one that is lower by a little more than eps."""
    config = parameters.of_law({"eps": 0.3})
    ascending = config.get("is_ascend", False)
    sign = -1 if ascending else 1
    threshold = config.get("threshold", 1e-12)
    for dtype in (np.float32, np.float64):
        eps: Any = dtype(config.get("eps", 1e-12))
        best: Any = np.linspace(0.5, 1, 20, dtype=dtype)
        if parameters.fixed is not None:  # such that both are candidates
            best = (threshold + sign * (2 * float(eps) + best)).astype(dtype)
        # Beyond best -+ eps in the dtype, but eps brings some of these up to the best.
        near = np.nextafter(best - sign * eps, dtype(-sign * np.inf))
        x = np.stack([best, near], -1)[..., None]
        wrong = _as_defined("BipartiteMatcher", run, Case(config, {"x": x}))
        if wrong is not None:
            return wrong
    return None


def _first_difference(expected: Any, found: Any) -> str | None:
    if np.array_equal(expected, found):
        return None
    if np.shape(expected) != np.shape(found):
        return f"matches have shape {np.shape(found)}, expected {np.shape(expected)}"
    place = tuple(int(i) for i in np.argwhere(expected != found)[0])
    return f"matches{list(place)} goes from {expected[place]} to {found[place]}"


def _laws(at: Callable[[float], dict[str, Any]], *configs: dict[str, Any]) -> tuple[Law, ...]:
    return (
        Law("rows and columns without ties may come in any order", _is_equivariant(*configs)),
        Law("a higher threshold takes matches away and changes none", _is_monotone(at)),
    )


# With all the digits there are: MXNet reads one in ten of their decimals back as a neighbour.
LONG_THRESHOLDS = [float(n) / 2**53 for n in np.random.default_rng(0).integers(2**50, 2**53, 40)]

TO_THE_LAST_DIGIT = "scores are compared with a threshold to the last digit"
NEIGHBOURS = "a score that is higher by the last digit is the better match"

SSD = [
    Recipe("BipartiteMatcher", {"share_max": False}),
    Recipe("MaximumMatcher", {"threshold": 0.5}),
]

OPERATORS = (
    Operator(
        "BipartiteMatcher",
        "matcher",
        lambda parameters: _matrix(BIPARTITE | ASCENDING, parameters),
        _matches,
        _axes,
        _with({}, {"share_max": False}),
        laws=(
            *_laws(lambda t: {"threshold": t}, {}, {"share_max": False}, {"is_ascend": True}),
            Law(TO_THE_LAST_DIGIT, _meets_thresholds_exactly("BipartiteMatcher")),
            Law(NEIGHBOURS, _tells_neighbours_apart("BipartiteMatcher", {})),
            Law("eps is added to a score, which then rounds", _adds_eps_to_scores),
        ),
    ),
    Operator(
        "MaximumMatcher",
        "matcher",
        lambda parameters: _matrix(MAXIMUM, parameters),
        _matches,
        _axes,
        _with({"threshold": 0.5}),
        laws=(
            *_laws(lambda t: {"threshold": t}, {"threshold": 0.5}),
            Law(TO_THE_LAST_DIGIT, _meets_thresholds_exactly("MaximumMatcher")),
            Law(NEIGHBOURS, _tells_neighbours_apart("MaximumMatcher", {"threshold": 0.25})),
        ),
    ),
    Operator(
        "CompositeMatcher",
        "matcher",
        lambda parameters: _matrix(st.fixed_dictionaries({"matchers": _matchers()}), parameters),
        _matches,
        _axes,
        _with({"matchers": SSD}),
        laws=(
            *_laws(
                lambda t: {"matchers": [SSD[0], Recipe("MaximumMatcher", {"threshold": t})]},
                {"matchers": SSD},
            ),
            Law(TO_THE_LAST_DIGIT, _meets_chain_thresholds),
        ),
    ),
)
