"""`explain`: what a matcher or an assigner decided on every anchor, and why."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, check_integer, require
from refkernels.explain.trace import tables, words
from refkernels.explain.trace.decisions import anchor_records, rounds_of, truth_records
from refkernels.explain.trace.matching import read_matching
from refkernels.explain.trace.records import Stage
from refkernels.matcher import Matcher
from refkernels.sampler import NaiveSampler, OHEMSampler, QuotaSampler

if TYPE_CHECKING:
    from refkernels.explain.trace.sensitivity import Flip

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
    ious : numpy.ndarray, (N, K)
        What the matcher saw.
    columns : numpy.ndarray, int64, (K,)
        The ground truth of each column of `ious`: all but those without extent.
    matcher, sampler
        The operators.
    name : str
        What it is a trace of.
    anchor_boxes, boxes, labels, regions : numpy.ndarray, optional
        Corner boxes (N, 4), (M, 4), (R, 4) and labels (M,), of a trace of boxes.
    """

    anchors: Array
    truths: Array
    rounds: Array
    ious: Array
    columns: Array
    matcher: Matcher
    sampler: Any
    name: str
    anchor_boxes: Array | None = None
    boxes: Array | None = None
    labels: Array | None = None
    regions: Array | None = None

    @property
    def matches(self) -> Array:
        """The matches (N,), int64, as the operator returned them."""
        return np.ascontiguousarray(self.anchors["match"])

    @property
    def samples(self) -> Array:
        """The samples (N,), int64, as the operator returned them."""
        return self.anchors["sample"].astype(np.int64)

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
        return words.why(self, self._anchor(anchor))

    def why_not(self, anchor: int, truth: int) -> str:
        """Say in words why an anchor is not matched with a ground truth.

        Raises
        ------
        TypeError, ValueError
            If there is no such anchor, or no such ground truth.
        """
        return words.why_not(self, self._anchor(anchor), self._truth(truth))

    def why_truth(self, truth: int) -> str:
        """Say in words which anchors a ground truth has, or why it has none.

        Raises
        ------
        TypeError, ValueError
            If there is no such ground truth.
        """
        return words.why_truth(self, self._truth(truth))

    def iou(self, anchor: int, truth: int) -> float:
        """Return the IoU of a pair as the matcher saw it; 0 with a box that was dropped."""
        anchor, truth = self._anchor(anchor), self._truth(truth)
        column = np.flatnonzero(self.columns == truth)
        return float(self.ious[anchor, column[0]]) if len(column) else 0.0

    def sensitivity(self, delta: float | None = None) -> "list[Flip]":
        """List the matches that would be others if an IoU changed by up to `delta`.

        See `refkernels.explain.trace.sensitivity.sensitivity`.
        """
        from refkernels.explain.trace.sensitivity import sensitivity

        return sensitivity(self, delta)

    def __str__(self) -> str:
        return tables.as_text(self)

    def __repr__(self) -> str:
        return f"<Trace {tables.headline(self)}>"

    def _repr_html_(self) -> str:
        return tables.as_html(self)

    def _anchor(self, anchor: int) -> int:
        return _place("anchor", "anchors", anchor, len(self.anchors))

    def _truth(self, truth: int) -> int:
        return _place("truth", "ground truths", truth, len(self.truths))


def explain(
    operator: Any,
    given: npt.ArrayLike,
    labels: Any = None,
    ignore: Any = None,
    *,
    sampler: Any = None,
    logits: npt.ArrayLike | None = None,
    rng: int | np.random.Generator | None = None,
    image_id: int | None = None,
    name: str | None = None,
) -> Trace:
    """Trace the decisions of a matcher on IoUs, or of a `TargetAssigner` on boxes, for one image.

    Parameters
    ----------
    operator : Matcher or TargetAssigner
    given : array_like, real, (N, M) for a matcher, (M, 4) for an assigner
        The IoUs of each anchor with each ground truth; or corner boxes, in the anchors' unit.
    labels : array_like, whole numbers, (M,), optional
        The class of each box, for an assigner. By default 0.
    ignore : array_like, real, (R, 4), optional
        Ignored regions, for an assigner.
    sampler : NaiveSampler, OHEMSampler or QuotaSampler, optional
        What samples the matches of a matcher; by default `NaiveSampler()`. An assigner has its own.
    logits : array_like, real, (N, C + 1), optional
        What an `OHEMSampler` ranks negatives by.
    rng : int or numpy.random.Generator, optional
        The seed of a `QuotaSampler`; without one, every call draws others.
    image_id : int, optional
        What, beside the seed, an assigner's draws depend on.
    name : str, optional
        What the trace is to be called.

    Returns
    -------
    Trace
        Its `matches` and `samples` are what the operators return for the same arguments.

    Raises
    ------
    TypeError, ValueError
        As the operators do; and if `operator` is neither, or an argument is for the other kind.

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
    if isinstance(operator, Matcher):
        require(
            labels is None and ignore is None and image_id is None,
            "labels, ignore and image_id: a matcher takes none, expected a TargetAssigner",
        )
        return _of_matcher(operator, given, sampler, logits, rng, name)
    from refkernels.assign import TargetAssigner

    if not isinstance(operator, TargetAssigner):
        raise TypeError(f"operator: expected a Matcher or a TargetAssigner, got {operator!r}")
    require(
        sampler is None and logits is None,
        "sampler and logits: an assigner has its own sampler, expected none",
    )
    matcher = operator.operators.matcher
    require(
        isinstance(matcher, Matcher) and not operator.predicts,
        f"operator: expected an assigner that matches by IoUs of anchors alone, got one with a "
        f"{type(matcher).__name__}",
    )
    return _of_assigner(operator, given, labels, ignore, rng, image_id, name)


def _of_matcher(
    matcher: Matcher,
    given: npt.ArrayLike,
    sampler: Any,
    logits: npt.ArrayLike | None,
    rng: Any,
    name: str | None,
) -> Trace:
    values = as_real("ious", given, min_ndim=2)
    require(values.ndim == 2, f"ious: expected (N, M) of one image, got shape {values.shape}")
    matches = np.asarray(matcher(values), np.int64)
    sampler = NaiveSampler() if sampler is None else sampler
    if isinstance(sampler, OHEMSampler):
        if logits is None:
            raise TypeError("logits: an OHEMSampler ranks by them, expected (N, C + 1), got None")
        samples = sampler(matches, logits, values)
    elif isinstance(sampler, QuotaSampler):
        samples = sampler(matches, values, rng=rng)
    elif isinstance(sampler, NaiveSampler):
        samples = sampler(matches)
    else:
        raise TypeError(
            f"sampler: expected a NaiveSampler, OHEMSampler or QuotaSampler, got {sampler!r}"
        )
    columns = np.arange(values.shape[1])
    base = Trace(*_nothing(), values, columns, matcher, sampler, name or type(matcher).__name__)
    return _filled(base, matches, samples, len(columns))


def _of_assigner(
    assigner: Any, given: Any, labels: Any, ignore: Any, rng: Any, image_id: Any, name: str | None
) -> Trace:
    from refkernels.assign.batch import read_batch, without_extent
    from refkernels.bbox import BBoxBatchIOU
    from refkernels.chain.composition import _coverage

    boxes = np.empty((0, 4)) if isinstance(given, Sequence) and not len(given) else given
    require(np.ndim(boxes) == 2, f"boxes: expected (M, 4) of one image, got {np.shape(boxes)}")
    labels = np.zeros(len(boxes), np.int64) if labels is None else labels
    # What regions change is told by the same draw without them.
    rng = np.random.default_rng() if rng is None else rng
    again = deepcopy(rng)
    targets = assigner(boxes, labels, ignore, rng=rng, image_ids=image_id)
    own, own_labels, regions = read_batch(boxes, labels, ignore, None, assigner.dtype).image(0)
    columns = np.setdiff1d(np.arange(len(own)), without_extent(own))
    operators = assigner.operators
    region = np.full(len(assigner), -1, np.int32)
    if len(regions):
        before = assigner(boxes, labels, rng=again, image_ids=image_id).samples
        for k in reversed(range(len(regions))):
            covered = _coverage(assigner.anchors, regions[k]) > operators.crowd_thresh
            region[covered & (before < 0)] = k
    base = Trace(
        *_nothing(),
        BBoxBatchIOU()(assigner.anchors, own[columns]),
        columns,
        operators.matcher,
        operators.sampler,
        name or assigner.name,
        assigner.anchors,
        own,
        own_labels,
        regions,
    )
    return _filled(base, targets.matches, targets.samples, len(own), region)


def _nothing() -> tuple[Array, Array, Array]:
    return np.empty(0), np.empty(0), np.empty(0)


def _filled(
    base: Trace, matches: Array, samples: Array, count: int, region: Array | None = None
) -> Trace:
    """Write the records of a trace, given what the operators returned."""
    columns = base.columns
    column_of = np.full(count + 1, -1)
    column_of[columns] = np.arange(len(columns))
    matching = read_matching(base.matcher, base.ious, column_of[matches])
    anchors = anchor_records(matching, samples, base.sampler, region)
    rounds = rounds_of(matching)
    numbers = np.append(columns, -1)
    for name in ("match", "best", "via", "runner_up", "tied_truth"):
        anchors[name] = numbers[anchors[name]]
    rounds["truth"] = numbers[rounds["truth"]]
    truths = truth_records(matching, anchors, count, columns)
    for records in (anchors, truths, rounds):
        records.setflags(write=False)
    return replace(base, anchors=anchors, truths=truths, rounds=rounds)


def _place(name: str, what: str, value: int, count: int) -> int:
    number = check_integer(name, value)
    require(count > 0, f"{name}: there are no {what}, got {number}")
    require(
        0 <= number < count,
        f"{name}: expected an integer from 0 to {count - 1}, since there are {count} {what}, "
        f"got {number}",
    )
    return number
