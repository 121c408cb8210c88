"""What a trace is made of: operators are called, and what they decided is written down."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from inspect import signature
from typing import Any

import numpy as np

from refkernels.arrays import Array, as_indices, as_mask, as_real, require
from refkernels.explain.trace.beyond.known import is_beyond, read_beyond
from refkernels.explain.trace.decisions import (
    anchor_records,
    empty_records,
    rounds_of,
    sampled,
    truth_records,
)
from refkernels.explain.trace.matching import is_known, read_matching
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import name_of
from refkernels.explain.trace.records import ROUND, Fate, Stage
from refkernels.explain.trace.survey import survey
from refkernels.matcher import HungarianMatcher, Matcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat
from refkernels.sampler import BalancedSampler, NaiveSampler, OHEMSampler, QuotaSampler

__all__ = ["of_assigner", "of_chain", "of_matcher"]

# What arguments of matchers are, beside real numbers.
MASKS, COUNTS = ("inside", "valid"), ("levels",)

# What a matrix of this name holds, the most telling first.
MEASURES = {"ious": "IoU", "cost": "cost", "metric": "metric", "x": "value"}


def of_matcher(matcher: Any, given: Any, sampler: Any, logits: Any, rng: Any) -> dict[str, Any]:
    """Return the fields of a trace of a matcher."""
    arrays = _arrays(matcher, given)
    matches = _checked(matcher, arrays)
    measure, pairs = _measured(matcher, arrays)
    sampler = NaiveSampler() if sampler is None else sampler
    if isinstance(sampler, (OHEMSampler, QuotaSampler)):
        require(
            measure == "IoU" and not is_beyond(matcher),
            f"sampler: a {name_of(sampler)} goes with a matcher of IoUs alone, got "
            f"{name_of(matcher)}",
        )
    samples = _samples(sampler, matches, pairs, logits, rng)
    fields = {
        "pairs": pairs,
        "columns": np.arange(pairs.shape[1]),
        "matcher": matcher,
        "sampler": sampler,
        "name": name_of(matcher),
        "measure": measure,
    }
    return _filled(fields, arrays, matches, samples, pairs.shape[1])


def _arrays(matcher: Any, given: Any) -> dict[str, Any]:
    """Return what a matcher is called with, by names; a matrix alone is its only argument."""
    if not isinstance(given, Mapping):
        if is_beyond(matcher) and not isinstance(matcher, HungarianMatcher):
            raise TypeError(
                f"given: a {name_of(matcher)} looks at several arrays, expected a mapping of "
                f"{', '.join(signature(matcher).parameters)}, got {type(given).__name__}"
            )
        name = "cost" if isinstance(matcher, HungarianMatcher) else "ious"
        given = {name: given}
    elif is_beyond(matcher):
        wanted = signature(matcher).parameters
        missing = [name for name, own in wanted.items() if own.default is own.empty]
        missing = [name for name in missing if name not in given]
        unknown = [str(name) for name in given if name not in wanted]
        require(
            not missing and not unknown,
            f"given: a {name_of(matcher)} looks at {', '.join(wanted)}; "
            + (f"{', '.join(missing)} is missing" if missing else f"got {', '.join(unknown)}"),
        )
    arrays: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if not is_beyond(matcher) and name not in MEASURES:
            arrays[name] = value  # of which only who looks at it knows what it is
        elif name in MASKS:
            arrays[name] = as_mask(name, value, min_ndim=1)
        elif name in COUNTS:
            arrays[name] = as_indices(name, value)
        else:
            # What a matcher checks itself is said of the names that it has.
            arrays[name] = as_real(name, value, min_ndim=1, finite=name != "ranges")
    for name in MEASURES:
        if name in arrays:
            shape = np.shape(arrays[name])
            require(len(shape) >= 2, f"{name}: expected at least 2 axes, got shape {shape}")
            require(len(shape) == 2, f"{name}: expected (N, M) of one image, got shape {shape}")
    return arrays


def _checked(matcher: Any, arrays: dict[str, Any]) -> Array:
    """Call a matcher, and return its matches, which have to be such."""
    matched = [name for name in MEASURES if name in arrays]
    if "points" in arrays and is_beyond(matcher):
        boxes = np.shape(arrays["boxes"])
        require(len(boxes) == 2, f"boxes: expected (M, 4) of one image, got shape {boxes}")
    elif not matched:
        raise ValueError(
            f"given: expected a matrix (N, M) called {', '.join(MEASURES)}, got {', '.join(arrays)}"
        )
    single = len(arrays) == 1
    returned = matcher(*arrays.values()) if single else matcher(**arrays)
    if is_beyond(matcher) or is_known(matcher):
        return np.asarray(returned, np.int64)
    count, columns = arrays[matched[0]].shape
    matches = as_indices(f"{name_of(matcher)}(...)", returned)
    require(
        matches.shape == (count,),
        f"{name_of(matcher)}(...): expected matches of shape ({count},), got {matches.shape}",
    )
    require(
        bool(((matches >= -2) & (matches < columns)).all()),
        f"{name_of(matcher)}(...): expected matches from -2 to {columns - 1}",
    )
    return matches.astype(np.int64)


def _measured(matcher: Any, arrays: dict[str, Any]) -> tuple[str, Pairs]:
    """Return what a matcher compares, and its name."""
    if "points" in arrays and is_beyond(matcher):
        shape = len(arrays["points"]), len(arrays["boxes"])
        return "conditions met", Pairs(shape, np.float32, np.empty)  # the reading has its own
    name = next(name for name in MEASURES if name in arrays)
    values = arrays[name]
    return MEASURES[name], values if isinstance(values, Pairs) else Pairs.of(values)


def _samples(sampler: Any, matches: Array, ious: Pairs, logits: Any, rng: Any) -> Array:
    if isinstance(sampler, OHEMSampler):
        if logits is None:
            raise TypeError("logits: an OHEMSampler ranks by them, expected (N, C + 1), got None")
        return sampler(matches, logits, ious.whole())
    if isinstance(sampler, QuotaSampler):
        return sampler(matches, ious.whole(), rng=rng)
    if isinstance(sampler, BalancedSampler):
        return sampler(NaiveSampler()(matches), rng=rng)
    if isinstance(sampler, NaiveSampler):
        return sampler(matches)
    raise TypeError(
        "sampler: expected a NaiveSampler, BalancedSampler, OHEMSampler or QuotaSampler, got "
        f"{sampler!r}"
    )


def of_assigner(
    assigner: Any,
    given: Any,
    labels: Any,
    ignore: Any,
    predictions: Any,
    rng: Any,
    image_id: int | None,
) -> dict[str, Any]:
    """Return the fields of a trace of a `TargetAssigner`."""
    from refkernels.assign.batch import read_batch, without_extent
    from refkernels.bbox import BBoxBatchIOU
    from refkernels.chain.composition import coverage
    from refkernels.chain.predictions import Predictions

    boxes = np.empty((0, 4)) if isinstance(given, Sequence) and not len(given) else given
    require(np.ndim(boxes) == 2, f"boxes: expected (M, 4) of one image, got {np.shape(boxes)}")
    labels = np.zeros(len(boxes), np.int64) if labels is None else labels
    # What regions change is told by the same draw without them.
    rng = np.random.default_rng() if rng is None else rng
    again = deepcopy(rng)
    known = {"image_ids": image_id, "predictions": predictions}
    targets = assigner(boxes, labels, ignore, rng=rng, **known)
    own, own_labels, regions = read_batch(boxes, labels, ignore, None, assigner.dtype).image(0)
    columns = np.setdiff1d(np.arange(len(own)), without_extent(own))
    operators = assigner.operators
    region = np.full(len(assigner), -1, np.int32)
    if len(regions):
        before = assigner(boxes, labels, rng=again, **known).samples
        for k in reversed(range(len(regions))):
            covered = coverage(assigner.anchors, regions[k]) > operators.crowd_thresh
            region[covered & (before < 0)] = k
    ious = Pairs.made(BBoxBatchIOU(), assigner.anchors, own[columns])
    measure, pairs, arrays = "IoU", ious, {"ious": ious}
    found = None if predictions is None else Predictions.of(predictions)
    if found is not None and found.boxes.ndim == 3:
        found = found.image(0)
    if is_beyond(operators.matcher) or operators.cost is not None:
        arrays = _inputs(operators, assigner.anchors, own[columns], own_labels[columns], found)
        measure, pairs = _measured(operators.matcher, arrays)
    fields = {
        "pairs": pairs,
        "columns": columns,
        "matcher": operators.matcher,
        "sampler": operators.sampler,
        "name": assigner.name,
        "anchor_boxes": assigner.anchors if found is None else _drawn(operators, assigner, found),
        "boxes": own,
        "labels": own_labels,
        "regions": regions,
        "measure": measure,
    }
    return _filled(fields, arrays, targets.matches, targets.samples, len(own), region)


def _inputs(
    operators: Any, anchors: Array, boxes: Array, labels: Array, predictions: Any
) -> dict[str, Any]:
    """Return what an assigner's matcher looks at, of which matrices need not be there."""
    from refkernels.chain.composition import inputs_of
    from refkernels.chain.matching import matching_stages

    matcher = operators.matcher
    if isinstance(matcher, Matcher) and operators.cost is None:  # of IoUs
        from refkernels.bbox import BBoxBatchIOU

        return {"cost": np.asarray(BBoxBatchIOU()(anchors, boxes))}
    values: dict[str, Any] = inputs_of(operators, anchors, boxes, labels, predictions)
    *before, last = matching_stages(matcher, operators.cost, "shares")
    for stage in before:
        if predictions is None:
            left, right = (values[name] for name in stage.takes)
            values[stage.gives[0]] = Pairs.made(stage.operator, left, right)
        else:
            values |= stage.run(values)
    return {name: values[name] for name in last.takes}


def _drawn(operators: Any, assigner: Any, predictions: Any) -> Array:
    """Return where anchors are, or where there are none, as in DETR, what is predicted."""
    if operators.size is None:
        anchors: Array = assigner.anchors
        return anchors
    height, width = operators.size
    centres, sides = predictions.boxes[:, :2], predictions.boxes[:, 2:]
    corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return np.asarray(corners * np.array([width, height, width, height]), assigner.dtype)


def of_chain(chain: Any, inputs: Any) -> dict[str, Any]:
    """Return the fields of a trace of a `Chain`, which has a matcher and a sampler."""
    stages = {name: stage for stage in chain.stages for name in stage.gives}
    for name in ("matches", "samples"):
        require(name in stages, f"operator: expected a Chain with a stage that gives {name}")
    if not isinstance(inputs, Mapping):
        raise TypeError(f"given: expected the inputs of a chain, got {type(inputs).__name__}")
    missing = sorted({name for own in chain.stages for name in own.takes} - {*inputs, *stages})
    require(not missing, f"given: the chain takes {', '.join(missing)} as well")
    values: dict[str, Any] = {**inputs, **chain.run(inputs)}
    matches = np.asarray(values["matches"], np.int64)
    require(matches.ndim == 1, f"given: expected inputs of one image, got matches {matches.shape}")
    stage = stages["matches"]
    names = list(signature(stage.operator).parameters)
    arrays = {name: np.asarray(values[own]) for name, own in zip(names, stage.takes, strict=False)}
    measure, pairs = _measured(stage.operator, arrays)
    boxes, labels, anchors = (values.get(name) for name in ("boxes", "labels", "anchors"))
    drawn = anchors is not None and np.ndim(anchors) == 2 and len(values["boxes"]) == pairs.shape[1]
    fields = {
        "pairs": pairs,
        "columns": np.arange(pairs.shape[1]),
        "matcher": stage.operator,
        "sampler": stages["samples"].operator,
        "name": f"a chain with {name_of(stage.operator)}",
        "anchor_boxes": np.asarray(anchors) if drawn else None,
        "boxes": np.asarray(boxes) if drawn else None,
        "labels": np.asarray(labels) if labels is not None else None,
        "regions": np.empty((0, 4)) if drawn else None,
        "measure": "IoU" if "ious" in stage.takes and measure == "value" else measure,
    }
    return _filled(fields, arrays, matches, np.asarray(values["samples"]), pairs.shape[1])


def _filled(
    fields: dict[str, Any],
    arrays: dict[str, Any],
    matches: Array,
    samples: Array,
    count: int,
    region: Array | None = None,
) -> dict[str, Any]:
    """Write the records of a trace, given what the operators returned."""
    columns, matcher, sampler = fields["columns"], fields["matcher"], fields["sampler"]
    column_of = np.full(count + 2, -1)
    column_of[columns], column_of[count] = np.arange(len(columns)), -2
    numbers = np.append(columns, [-2, -1])
    own = column_of[matches]
    if is_beyond(matcher):
        reading = read_beyond(matcher, arrays, columns, own)
        found, sign, known = survey(reading.pairs, reading.sign), reading.sign, True
        anchors = empty_records(found, own, samples, region)
        _read(anchors, reading, found)
        stage = sampled(reading.stage, anchors, sampler)
        anchors["stage"] = np.where(anchors["region"] >= 0, Stage.REGION, stage)
        fields = {**fields, "reading": reading, "pairs": reading.pairs, "measure": reading.measure}
        rounds = np.zeros(0, ROUND)
    else:
        matching = read_matching(matcher, fields["pairs"], own)
        found, sign = matching.main, sign_of(matching.matchers[0])
        known = all(map(is_known, flat(matcher)))
        anchors = anchor_records(matching, samples, sampler, region)
        rounds = rounds_of(matching)
    for name in ("match", "best", "via", "runner_up", "tied_truth"):
        anchors[name] = numbers[anchors[name]]
    rounds["truth"] = numbers[rounds["truth"]]
    truths = truth_records(found, sign, anchors, count, columns, known)
    if is_beyond(matcher):
        lost = np.isin(truths["fate"][columns], (Fate.BELOW, Fate.LOST, Fate.NO_OVERLAP))
        truths["fate"][columns[lost]] = reading.fates()[lost]
    return {**fields, "anchors": anchors, "truths": truths, "rounds": rounds}


def _read(anchors: Array, reading: Any, found: Any) -> None:
    """Fill in the records of anchors what a reading knows, by columns."""
    matches, every = reading.matches, np.arange(len(anchors))
    matched = np.flatnonzero(matches >= 0)
    anchors["iou"][matched] = reading.pairs.at(matched, matches[matched])
    anchors["matcher"][matched] = 0
    anchors["matched_by"][matched] = reading.label
    anchors["threshold"], anchors["margin"] = reading.threshold, reading.margin
    if reading.pairs.shape[1] > 1:
        column = np.where(matches >= 0, matches, found.own)
        is_own = found.own[every] == column
        anchors["runner_up"] = np.where(is_own, found.second, found.own)
        value = np.where(is_own, found.below, found.top).astype(np.float64)
        anchors["gap"] = (anchors["iou"] - value) * reading.sign
