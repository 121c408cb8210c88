"""`explain`: what a matcher or an assigner decided on every anchor, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, check_integer, require
from refkernels.arrays.printing import times
from refkernels.chain.chain import Chain
from refkernels.explain.trace import tables, words
from refkernels.explain.trace.classes import named, names_of
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.records import Stage
from refkernels.explain.trace.warnings import warnings_of
from refkernels.matcher import Matcher

if TYPE_CHECKING:
    from refkernels.explain.trace.beyond.reading import Reading
    from refkernels.explain.trace.flips import Flips

__all__ = ["Trace", "explain"]


@dataclass(frozen=True, eq=False)
class Trace:
    """What was decided on each anchor of one image, and why.

    Records are structured arrays, which `pandas.DataFrame` takes as they are. Ground truths have
    the numbers that they were given with; -1 stands for none, nan for what does not apply.

    Attributes
    ----------
    anchors : numpy.ndarray, (N,)
        For each anchor: `match` and `sample`; `stage`, a `Stage`, which decided; `matched_by`, the
        stage that matched it, whatever the sampler did, or -1; `matcher`, the number of the
        matcher; `round` of a bipartite matcher, from 1, or 0; `via`, the ground truth whose best
        it shares; `iou` with its match, or else its largest; `best`, the ground truth of its
        largest; `threshold`, what decided it, and `margin`, by how much it is reached (or missed,
        if negative); `runner_up`, the best other ground truth, and `gap` to it; `tied_truth` and
        `tied_anchor`, the first that it tied with, where the lowest index decided; `region`, the
        ignored region that covers it.
    truths : numpy.ndarray, (M,)
        For each ground truth: `best_anchor`, `best_iou`; `lost_to`, the ground truth that its best
        anchor was matched with instead; `round` and `own_anchor` of its greedy round; `anchors`
        that are matched with it, those by stage (`bipartite`, `shared`, `maximum`, `other`), and
        those that are `positives` after sampling; and its `fate`, a `Fate`: why it has none.
    rounds : numpy.ndarray, (K,)
        The greedy rounds in order: `matcher`, `round`, `anchor`, `truth`, `iou`, and the number of
        `ties`, with the first `tied_anchor`.
    pairs : Pairs, (N, K)
        What the matcher compares of each anchor and ground truth; `ious` is all of it.
    columns : numpy.ndarray, int64, (K,)
        The ground truth of each column: all but those without extent.
    matcher, sampler
        The operators.
    name : str
        What it is a trace of.
    anchor_boxes, boxes, labels, regions : numpy.ndarray, optional
        Corner boxes (N, 4), (M, 4), (R, 4) and labels (M,), of a trace of boxes.
    measure : str
        What `pairs` are: "IoU", "cost", "metric", or of points the number of "conditions met".
        That is what `iou`, `threshold`, `gap` and `best_iou` of records are of.
    reading : Reading, optional
        What is known of a matcher that looks at more than one matrix.
    classes : tuple of str, optional
        What labels are called, by label.
    """

    anchors: Array
    truths: Array
    rounds: Array
    pairs: Pairs
    columns: Array
    matcher: Any
    sampler: Any
    name: str
    anchor_boxes: Array | None = None
    boxes: Array | None = None
    labels: Array | None = None
    regions: Array | None = None
    measure: str = "IoU"
    reading: "Reading | None" = None
    classes: tuple[str, ...] | None = None

    @property
    def ious(self) -> Array:
        """What the matcher compares, of all pairs, (N, K). Of an assigner it is computed now."""
        return self.pairs.whole()

    @property
    def matches(self) -> Array:
        """The matches (N,), int64, as the operator returned them."""
        return np.ascontiguousarray(self.anchors["match"])

    @property
    def samples(self) -> Array:
        """The samples (N,), int64, as the operator returned them."""
        return self.anchors["sample"].astype(np.int64)

    @property
    def warnings(self) -> list[str]:
        """What looks wrong about the boxes beside the anchors, such as another unit."""
        if self.anchor_boxes is None or self.boxes is None:
            return []
        return warnings_of(self.anchor_boxes, self.boxes)

    def counts(self) -> dict[Stage, int]:
        """Return how many anchors each stage decided on, those with any."""
        found = np.bincount(self.anchors["stage"], minlength=len(Stage))
        return {stage: int(found[stage]) for stage in Stage if found[stage]}

    def why(self, anchor: int) -> str:
        """Say in words why an anchor is what it is.

        Raises
        ------
        TypeError, ValueError
            If there is no such anchor.
        """
        return self._named(words.why(self, self._anchor(anchor)))

    def why_not(self, anchor: int, truth: int) -> str:
        """Say in words why an anchor is not matched with a ground truth.

        Raises
        ------
        TypeError, ValueError
            If there is no such anchor, or no such ground truth.
        """
        return self._named(words.why_not(self, self._anchor(anchor), self._truth(truth)))

    def why_truth(self, truth: int) -> str:
        """Say in words which anchors a ground truth has, or why it has none.

        Raises
        ------
        TypeError, ValueError
            If there is no such ground truth.
        """
        return self._named(words.why_truth(self, self._truth(truth)))

    def iou(self, anchor: int, truth: int) -> float:
        """Return what the matcher compares of a pair, its IoU; 0 with a box that was dropped."""
        anchor, truth = self._anchor(anchor), self._truth(truth)
        column = np.flatnonzero(self.columns == truth)
        return float(self.pairs.row(anchor)[column[0]]) if len(column) else 0.0

    def sensitivity(self, delta: float | None = None, **settings: Any) -> "Flips":
        """List the matches that would be others if an IoU changed by up to `delta`.

        The list shows itself as a table in a notebook. See
        `refkernels.explain.trace.sensitivity.sensitivity`, which takes `anchor`, `limit` and
        `progress` too.
        """
        from refkernels.explain.trace.sensitivity import sensitivity

        return sensitivity(self, delta, **settings)

    def __str__(self) -> str:
        return tables.as_text(self)

    def __repr__(self) -> str:
        return f"<Trace {tables.headline(self)}>"

    def _repr_html_(self) -> str:
        return tables.as_html(self)

    def _named(self, told: str) -> str:
        return named(names_of(self), told)

    def _anchor(self, anchor: int) -> int:
        return _place("anchor", "anchor", anchor, len(self.anchors))

    def _truth(self, truth: int) -> int:
        return _place("truth", "ground truth", truth, len(self.truths))


def explain(
    operator: Any,
    given: npt.ArrayLike,
    labels: Any = None,
    ignore: Any = None,
    *,
    predictions: Any = None,
    sampler: Any = None,
    logits: npt.ArrayLike | None = None,
    rng: int | np.random.Generator | None = None,
    image_id: int | None = None,
    name: str | None = None,
    classes: Sequence[str] | None = None,
) -> Trace:
    """Trace the decisions of a matcher, or of a `TargetAssigner` on boxes, for one image.

    Parameters
    ----------
    operator : matcher, TargetAssigner or Chain
        A matcher is whatever can be called on arrays and returns matches; the reasons of one that
        is not of refkernels are not known, and none are given.
    given : array_like, real, (N, M) for a matcher, (M, 4) for an assigner; or a mapping
        The IoUs of each anchor with each ground truth; or corner boxes, in the anchors' unit. For a
        matcher of several arrays, these by the names of its arguments; for a chain its inputs.
    labels : array_like, whole numbers, (M,), optional
        The class of each box, for an assigner. By default 0.
    ignore : array_like, real, (R, 4), optional
        Ignored regions, for an assigner.
    predictions : Predictions, or a pair of boxes and scores, optional
        What the network predicts, for an assigner whose matcher looks at it.
    sampler : NaiveSampler, BalancedSampler, OHEMSampler or QuotaSampler, optional
        What samples the matches of a matcher; by default `NaiveSampler()`. An assigner has its own.
    logits : array_like, real, (N, C + 1), optional
        What an `OHEMSampler` ranks negatives by.
    rng : int or numpy.random.Generator, optional
        The seed of a sampler that draws; without one, every call draws others.
    image_id : int, optional
        What, beside the seed, an assigner's draws depend on.
    name : str, optional
        What the trace is to be called.
    classes : sequence of str, optional
        What labels are called, by label, for tables, pictures and sentences.

    Returns
    -------
    Trace
        Its `matches` and `samples` are what the operators return for the same arguments.

    Raises
    ------
    TypeError, ValueError
        As the operators do; and if `operator` is none, or an argument is for another kind.

    Examples
    --------
    >>> from refkernels import BipartiteMatcher, CompositeMatcher, MaximumMatcher
    >>> matcher = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
    >>> trace = explain(matcher, [[0.9, 0.8], [0.7, 0.1], [0.2, 0.3]])
    >>> trace.matches
    array([0, 0, 1])
    >>> print(trace.why(anchor=2))
    Anchor 2 is matched with ground truth 1, in round 2 of the bipartite matcher: IoU 0.3 was the \
largest left. Anchor 0 has more with that ground truth, 0.8, but was given to ground truth 0 in \
round 1. Its next is ground truth 0, with 0.2, 0.1 less.
    """
    from refkernels.explain.trace import building

    sampling = {"sampler": sampler, "logits": logits, "rng": rng}
    if isinstance(operator, Chain):
        _refuse("a Chain", "inputs", labels, ignore, predictions, image_id, sampler, logits)
        fields = building.of_chain(operator, given)
    elif isinstance(operator, Matcher) or not _is_assigner(operator):
        if not callable(operator):
            raise TypeError(
                f"operator: expected a matcher, a Chain or a TargetAssigner, got {operator!r}"
            )
        _refuse("a matcher", "a TargetAssigner", labels, ignore, predictions, image_id)
        fields = building.of_matcher(operator, given, **sampling)
    else:
        require(
            sampler is None and logits is None,
            "sampler and logits: an assigner has its own sampler, expected none",
        )
        fields = building.of_assigner(operator, given, labels, ignore, predictions, rng, image_id)
    if name is not None:
        fields["name"] = name
    if classes is not None:
        fields["classes"] = tuple(map(str, classes))
    for records in ("anchors", "truths", "rounds"):
        fields[records].setflags(write=False)
    return Trace(**fields)


def _is_assigner(operator: Any) -> bool:
    from refkernels.assign import TargetAssigner

    return isinstance(operator, TargetAssigner)


def _refuse(kind: str, expected: str, *given: Any) -> None:
    """Raise `ValueError` if something is given that an operator of this kind does not take."""
    require(
        all(own is None for own in given),
        f"labels, ignore, predictions and image_id: {kind} takes none, expected {expected}",
    )


def _place(name: str, what: str, value: int, count: int) -> int:
    number = check_integer(name, value)
    require(count > 0, f"{name}: there are no {what}s, got {number}")
    are = "is" if count == 1 else "are"
    require(
        0 <= number < count,
        f"{name}: expected an integer from 0 to {count - 1}, since there {are} "
        f"{times(count, what)}, "
        f"got {number}",
    )
    return number
