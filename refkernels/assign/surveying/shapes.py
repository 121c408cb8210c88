"""Other shapes of anchors: what k-means finds among objects, and what evolution makes of that."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = [
    "MOST_SHAPES",
    "SAME",
    "Shapes",
    "evolved",
    "fitness",
    "fitted",
    "scipy_module",
    "shape_ious",
]

# Sides that differ by no more than this share are the same but for rounding.
SAME = 1e-3

# Anchors with more shapes are no grids of a few.
MOST_SHAPES = 64


# Candidates of a generation, how many there are, and how far the first stray from what k-means
# found, in logarithms of sides.
POPULATION, GENERATIONS, SPREAD = 32, 60, 0.15

# The smallest and the largest side in pixels that evolution tries, beyond those of the objects.
REACH = 1.25


@dataclass(frozen=True, eq=False)
class Shapes:
    """The distinct shapes of anchors, and which each anchor has.

    Attributes
    ----------
    sides : numpy.ndarray, float64, (K, 2)
        Widths and heights by ascending area.
    steps : numpy.ndarray, float64, (K, 2)
        How far apart the centres of each are, along x and y.
    of : numpy.ndarray, int64, (N,)
        Each anchor's.
    """

    sides: Array
    steps: Array
    of: Array

    @classmethod
    def among(cls, anchors: Array) -> "Shapes":
        """Return those of anchors (N, 4).

        Examples
        --------
        >>> Shapes.among(np.array([[0, 0, 4, 2], [0, 0, 1, 1], [5, 5, 9, 7]])).sides
        array([[1., 1.],
               [4., 2.]])
        """
        sides = anchors[:, 2:].astype(np.float64) - anchors[:, :2]
        key = np.stack([_alike(sides[:, 0]), _alike(sides[:, 1])], axis=1)
        _, of = np.unique(key, axis=0, return_inverse=True)
        of = of.reshape(-1)  # which NumPy 2.0 gives another shape
        least = np.maximum(np.bincount(of), 1)[:, None]
        sums = [np.bincount(of, sides[:, k]) for k in (0, 1)]
        means = np.stack(sums, axis=1) / least
        order = np.argsort(means.prod(axis=1), kind="stable")
        of = np.argsort(order, kind="stable")[of]
        centres = (anchors[:, :2].astype(np.float64) + anchors[:, 2:]) / 2
        span = np.ptp(centres, axis=0) if len(centres) else np.zeros(2)
        steps = [[_step(centres[of == k, c], span[c]) for c in (0, 1)] for k in range(len(order))]
        return cls(means[order], np.array(steps).reshape(-1, 2), of)

    def __len__(self) -> int:
        return len(self.sides)

    def replaced(self, anchors: Array, sides: Array) -> Array:
        """Return anchors where they stand, with other shapes, one for one.

        Parameters
        ----------
        anchors : numpy.ndarray, (N, 4)
        sides : numpy.ndarray, (K, 2)

        Returns
        -------
        numpy.ndarray, float64, (N, 4)
        """
        centres = (anchors[:, :2].astype(np.float64) + anchors[:, 2:]) / 2
        half = sides[self.of] / 2
        return np.concatenate([centres - half, centres + half], axis=1)


def _alike(sides: Array) -> Array:
    """Return a number for each side, the same for those that differ by rounding."""
    order = np.argsort(sides, kind="stable")
    ordered = sides[order]
    new = np.diff(ordered, prepend=ordered[:1]) > SAME * np.abs(ordered)
    found = np.empty(len(sides), np.int64)
    found[order] = np.cumsum(new)
    return found


def _step(places: Array, span: float) -> float:
    """Return how far apart places are; of a single one, how far all are."""
    apart = np.diff(np.unique(places))
    apart = apart[apart > SAME]
    return float(np.median(apart)) if len(apart) else float(span)


def shape_ious(objects: Array, shapes: Array, steps: Array) -> Array:
    """Return the IoUs of widths and heights, as far apart as they are on average.

    An object's centre is at most half a step from the nearest of a shape, so on average a quarter.

    Parameters
    ----------
    objects : numpy.ndarray, float64, (T, 2)
    shapes, steps : numpy.ndarray, float64, (K, 2)

    Returns
    -------
    numpy.ndarray, float64, (T, K)

    Examples
    --------
    >>> shapes, steps = np.array([[2.0, 1.0], [4.0, 4.0]]), np.array([[0.0, 0.0], [8.0, 0.0]])
    >>> shape_ious(np.array([[2.0, 2.0]]), shapes, steps)
    array([[0.5       , 0.11111111]])
    """
    common = [
        np.maximum(
            np.minimum(
                np.minimum(objects[:, None, k], shapes[:, k]),
                (objects[:, None, k] + shapes[:, k]) / 2 - steps[:, k] / 4,
            ),
            0,
        )
        for k in (0, 1)
    ]
    inter = common[0] * common[1]
    result: Array = inter / (objects.prod(axis=1)[:, None] + shapes.prod(axis=1) - inter)
    return result


def fitness(objects: Array, shapes: Array, steps: Array, threshold: float) -> float:
    """Return the mean of objects' best IoU with any shape, with 0 for what is below a threshold."""
    best = shape_ious(objects, shapes, steps).max(axis=1)
    return float(np.where(best >= threshold, best, 0).mean())


def fitted(objects: Array, count: int) -> Array:
    """Return so many shapes that k-means finds among objects, by the logarithms of their sides.

    Parameters
    ----------
    objects : numpy.ndarray, float64, (T, 2)
        Widths and heights, of one or more.
    count : int

    Returns
    -------
    numpy.ndarray, float64, (count, 2)
        By ascending area.

    Raises
    ------
    ImportError
        Without SciPy.
    """
    logs = np.log(objects)
    by_area = logs[np.argsort(logs.sum(axis=1), kind="stable")]
    # It begins with objects of evenly spread areas, so that nothing is drawn.
    first = by_area[((np.arange(count) + 0.5) * len(by_area) / count).astype(np.int64)]
    found, _ = scipy_module("cluster.vq").kmeans(logs, np.unique(first, axis=0))
    found = np.exp(found[np.argsort(found.sum(axis=1), kind="stable")])
    # Fewer than asked for, where objects are all alike.
    return np.concatenate([found, np.repeat(found[-1:], count - len(found), axis=0)])


def evolved(
    objects: Array,
    starts: Sequence[Array],
    steps: Array,
    threshold: float,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Return shapes that evolution makes of some; by `fitness` no worse than the best of those.

    Parameters
    ----------
    objects : numpy.ndarray, float64, (T, 2)
    starts : sequence of numpy.ndarray, float64, (K, 2)
        Shapes that it begins with, and strays from. One that ends as the best of no object stays
        as it is in the first of them.
    steps : numpy.ndarray, float64, (K, 2)
        How far apart the centres of each shape are.
    threshold : float
        That of `fitness`.
    seed : int
        What it draws by.
    progress : callable, optional
        Called with the numbers of generations that are done, and of all.

    Returns
    -------
    numpy.ndarray, float64, (K, 2)
        In the order of `steps`.

    Raises
    ------
    ImportError
        Without SciPy.
    """
    evolve = scipy_module("optimize").differential_evolution
    sides = np.concatenate([objects, *starts])
    low, high = np.log(sides.min(axis=0) / REACH), np.log(sides.max(axis=0) * REACH)
    bounds = np.tile(np.stack([low, high], axis=1), (len(steps), 1))
    first = np.log(np.stack(starts)).reshape(len(starts), -1)
    strayed = np.random.default_rng(seed).normal(
        np.resize(first, (POPULATION, first.shape[1])), SPREAD
    )
    strayed[: len(first)] = first
    done = 0

    def loss(logs: Array) -> float:
        """Return what is to be small."""
        return -fitness(objects, np.exp(logs.reshape(-1, 2)), steps, threshold)

    def tell(*_: Any, **__: Any) -> None:
        """Count the generations."""
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, GENERATIONS)

    # The seed has another name since SciPy 1.15.
    named = "rng" if "rng" in inspect.signature(evolve).parameters else "seed"
    found = evolve(
        loss, bounds, init=np.clip(strayed, bounds[:, 0], bounds[:, 1]), maxiter=GENERATIONS,
        tol=0, polish=False, mutation=(0.3, 0.8), recombination=0.3, callback=tell,
        **{named: seed},
    )  # fmt: skip
    result: Array = np.exp(found.x.reshape(-1, 2))
    used = np.unique(shape_ious(objects, result, steps).argmax(axis=1))
    idle = np.setdiff1d(np.arange(len(steps)), used)
    result[idle] = starts[0][idle]  # where one strays that is the best of no object means nothing
    return result


def scipy_module(name: str) -> Any:
    """Return a module of SciPy.

    Raises
    ------
    ImportError
        Without SciPy; one line.
    """
    try:
        return import_module(f"scipy.{name}")
    except ImportError as error:
        raise ImportError(
            f"other shapes of anchors need SciPy ({error}); install it with: "
            "pip install 'refkernels[survey]'"
        ) from None
