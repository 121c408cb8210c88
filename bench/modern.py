"""The operators of today's detectors beside those of torchvision, ultralytics, mmdet and scipy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.harness import Contestant, Table, compare, grow, load
from bench.peers import MMDET, SCIPY, TORCHVISION_MODELS, ULTRALYTICS
from refkernels import (
    NMS,
    ATSSMatcher,
    BBoxBatchCIOU,
    BBoxBatchDIOU,
    BBoxBatchGIOU,
    BBoxBatchIOU,
    CenterDistance,
    HungarianMatcher,
    InsideMask,
    SimOTACost,
    SimOTAMatcher,
    TaskAlignedMatcher,
    TaskAlignedMetric,
    ThresholdMatcher,
)
from refkernels.assign import sample_images

__all__ = ["run"]

# How many times as long the peer is to take, at least.
TARGETS = {"GIOU": 20.0, "DIOU": 20.0, "CIOU": 5.0, "match": 8.0, "NMS": 5.0, "assign": 10.0}

YOLO, RPN = (640, (8, 16, 32)), (1024, (4, 8, 16, 32, 64))


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((TORCHVISION_MODELS, ULTRALYTICS, MMDET, SCIPY))
    print("\n".join(skipped))
    met = _overlaps(peers, rounds)
    met &= _thresholds(peers, rounds)
    met &= _suppression(peers, rounds)
    met &= _assigners(peers, rounds)
    met &= _matching(peers, rounds)
    _growth()
    return met


def _points(grid: tuple[int, tuple[int, ...]], each: int = 1) -> tuple[Any, Any]:
    """Return the centres and strides of a network's cells, so many at each."""
    side, strides = grid
    found, sizes = [], []
    for stride in strides:
        line = (np.arange(side // stride) + 0.5) * stride
        points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        found.append(np.repeat(points, each, 0))
        sizes.append(np.full(len(found[-1]), stride))
    return np.concatenate(found), np.concatenate(sizes)


def _anchors(grid: tuple[int, tuple[int, ...]], each: int = 1) -> Any:
    points, strides = _points(grid, each)
    rng = np.random.default_rng(0)
    sides = strides[:, None] * np.exp(rng.uniform(np.log(2), np.log(8), (len(points), 2)))
    return np.concatenate([points - sides / 2, points + sides / 2], 1).astype(np.float32)


def _truths(count: int, side: int) -> Any:
    """Return boxes with COCO's sizes."""
    boxes = np.concatenate([image.boxes for image in sample_images(60)])
    return (boxes[:count] * side / boxes.max()).astype(np.float32)


def _differ(ours: Any, theirs: Any) -> str:
    if ours.dtype.kind == "f":
        return f"off by {np.nanmax(np.abs(ours - theirs)):.1e}"
    count = int((ours != theirs).sum()) if ours.shape == theirs.shape else len(ours)
    return f"{count} differ" if count else "equal"


def _race(
    title: str, ours: Callable[[], Any], theirs: Any, name: str, target: str, rounds: int
) -> bool:
    own = [Contestant("refkernels, one thread", ours)]
    if theirs is not None:
        own.append(Contestant(name, theirs, np.asarray, TARGETS.get(target, 1.0)))
    return compare(f"{title}, {rounds} rounds", own, rounds, _differ)


def _overlaps(peers: dict[str, Any], rounds: int) -> bool:
    a, b = _anchors(YOLO), _truths(20, 640)
    met = True
    for name, operator, function in (
        ("GIOU", BBoxBatchGIOU(), "generalized_box_iou"),
        ("DIOU", BBoxBatchDIOU(), "distance_box_iou"),
        ("CIOU", BBoxBatchCIOU(), "complete_box_iou"),
    ):
        theirs = None
        if "torchvision" in peers:
            torch, ops, _ = peers["torchvision"]
            theirs = partial(getattr(ops, function), torch.tensor(a), torch.tensor(b))
        title = f"{name}, {len(a)} x {len(b)}, float32"
        met &= _race(title, lambda o=operator: o(a, b), theirs, "torchvision", name, rounds)
    return met


def _thresholds(peers: dict[str, Any], rounds: int) -> bool:
    anchors, boxes = _anchors(RPN, 3), _truths(20, 1024)
    x = BBoxBatchIOU()(anchors, boxes)
    matcher = ThresholdMatcher.torchvision(0.7, 0.3, allow_low_quality_matches=True)
    theirs = None
    if "torchvision" in peers:
        torch, _, utils = peers["torchvision"]
        other, given = utils.Matcher(0.7, 0.3, True), torch.tensor(np.ascontiguousarray(x.T))
        theirs = lambda: other(given)  # noqa: E731
    title = f"ThresholdMatcher with low quality, {len(x)} x {len(boxes)}, float32"
    return _race(title, lambda: matcher(x), theirs, "torchvision's Matcher", "match", rounds)


def _suppression(peers: dict[str, Any], rounds: int) -> bool:
    met = True
    for count in (1000, 10_000, 30_000):
        boxes, scores = _crowd(count)
        theirs = None
        if "torchvision" in peers:
            torch, ops, _ = peers["torchvision"]
            given = torch.tensor(boxes), torch.tensor(scores)
            theirs = lambda given=given, nms=ops.nms: nms(*given, 0.5)  # noqa: E731
        title = f"NMS, {count} boxes, float32"
        ours = lambda boxes=boxes, scores=scores: NMS(0.5)(boxes, scores)  # noqa: E731
        met &= _race(title, ours, theirs, "torchvision", "NMS", min(rounds, 10))
    return met


def _crowd(count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    truths = _truths(200, 1024)
    own = truths[rng.integers(0, len(truths), count)]
    boxes = own + rng.normal(0, 0.1, (count, 4)) * np.tile(own[:, 2:] - own[:, :2], 2)
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    shift = rng.uniform(0, 256, (count, 1))
    return np.concatenate([low + shift, high + shift], 1).astype(np.float32), rng.random(
        count, np.float32
    )


def _assigners(peers: dict[str, Any], rounds: int) -> bool:
    (points, strides), boxes = _points(YOLO), _truths(20, 640)
    anchors, rng = _anchors(YOLO), np.random.default_rng(0)
    points = points.astype(np.float32)
    predictions = anchors + rng.normal(0, 4, anchors.shape).astype(np.float32)
    labels = rng.integers(0, 80, len(boxes))
    scores = rng.random((len(points), 80), np.float32)
    inside = InsideMask()(points, boxes)
    levels = np.unique(strides, return_counts=True)[1]
    overlap, metric = BBoxBatchCIOU(), TaskAlignedMetric.ultralytics()
    aligned, simota, atss = TaskAlignedMatcher.ultralytics(), SimOTAMatcher(), ATSSMatcher(ddof=1)
    ious = np.maximum(overlap(predictions, boxes), 0)  # as ultralytics takes them
    scored = metric(scores, labels, ious)
    cost = SimOTACost()(scores, labels, BBoxBatchIOU()(predictions, boxes), inside)

    def task_aligned() -> Any:
        own_ious = overlap(predictions, boxes)
        np.clip(own_ious, 0, 1, out=own_ious)  # three times as fast as the maximum alone
        # As ultralytics does, for which a small box is as large as a cell of its second level.
        centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        half = np.where(sides < YOLO[1][1], YOLO[1][1], sides) / 2
        own_inside = InsideMask()(points, np.concatenate([centres - half, centres + half], 1))
        return aligned(metric(scores, labels, own_ious), own_ious, own_inside)

    def whole_atss() -> Any:
        distances, own_inside = CenterDistance()(anchors, boxes), InsideMask()(points, boxes)
        return atss(BBoxBatchIOU()(anchors, boxes), distances, own_inside, levels)

    theirs: dict[str, Any] = {}
    if "ultralytics" in peers:
        torch, assigner = peers["ultralytics"]
        own = assigner(topk=10, num_classes=80, alpha=0.5, beta=6.0)
        given = [torch.tensor(x)[None] for x in (scores, predictions)]
        truth = torch.tensor(labels)[None, :, None], torch.tensor(boxes)[None]
        mask = torch.ones(1, len(boxes), 1, dtype=torch.bool)

        def ultralytics() -> Any:
            *_, positive, matched = own(*given, torch.tensor(points), *truth, mask)
            return torch.where(positive[0], matched[0], -1)

        theirs["task aligned, whole"] = "ultralytics' TaskAlignedAssigner", ultralytics
        own.bs, own.n_max_boxes = 1, len(boxes)
        held = torch.tensor(np.ascontiguousarray(inside.T))[None]
        pairs = [torch.tensor(np.ascontiguousarray(x.T))[None] * held for x in (scored, ious)]

        def selection() -> Any:
            positive = own.select_topk_candidates(pairs[0]) * held
            matched, positive, _ = own.select_highest_overlaps(
                positive, pairs[1], len(boxes), pairs[0]
            )
            return torch.where(positive[0] > 0, matched[0], -1)

        theirs["task aligned, its matching"] = "ultralytics' selection", selection
    if "mmdet" in peers:
        torch, instances, assigners = peers["mmdet"]
        sim, whole = assigners.SimOTAAssigner(), assigners.ATSSAssigner(topk=9)
        tensors = torch.tensor(cost), torch.tensor(ious)
        priors = instances(priors=torch.tensor(anchors))
        truths = instances(bboxes=torch.tensor(boxes), labels=torch.tensor(labels))

        def dynamic_k() -> Any:
            valid = torch.ones(len(cost), dtype=torch.bool)  # is overwritten
            _, matched = sim.dynamic_k_matching(*tensors, len(boxes), valid)
            found = torch.full((len(cost),), -1)
            found[valid] = matched
            return found

        theirs["SimOTA, its matching"] = "mmdet's dynamic k", dynamic_k
        theirs["ATSS, whole"] = (
            "mmdet's ATSSAssigner",
            lambda: whole.assign(priors, levels.tolist(), truths).gt_inds - 1,
        )
    met, size = True, f"{len(points)} x {len(boxes)}, float32"
    for title, call in (
        ("task aligned, whole", task_aligned),
        ("task aligned, its matching", lambda: aligned(scored, ious, inside)),
        ("SimOTA, its matching", lambda: simota(cost, ious)),
        ("ATSS, whole", whole_atss),
    ):
        name, function = theirs.get(title, ("", None))
        met &= _race(f"{title}, {size}", call, function, name, "assign", rounds)
    return met


def _matching(peers: dict[str, Any], rounds: int) -> bool:
    met = True
    for shape in ((300, 50), (900, 300)):
        cost = np.random.default_rng(0).random(shape)
        theirs = None
        if "scipy" in peers:
            solve = peers["scipy"]

            def theirs(cost: Any = cost, solve: Any = solve) -> Any:
                rows, columns = solve(cost)
                matches = np.full(len(cost), -1)
                matches[rows] = columns
                return matches

        title = f"HungarianMatcher, {shape[0]} x {shape[1]}, float64"
        met &= _race(title, lambda c=cost: HungarianMatcher()(c), theirs, "scipy", "", rounds)
    return met


def _growth() -> None:
    """Print the time as sizes grow."""
    rng = np.random.default_rng(0)

    def suppress(count: int) -> Callable[[], Any]:
        boxes, scores = _crowd(count)
        return lambda: NMS(0.5)(boxes, scores)

    def assign(count: int) -> Callable[[], Any]:
        cost = rng.random((count, count))
        return lambda: HungarianMatcher()(cost)

    def match(count: int) -> Callable[[], Any]:
        x = rng.random((count, 20), np.float32)
        return lambda: ThresholdMatcher(0.7, 0.3)(x)

    table = Table("ms as sizes grow", "", "small", "middle", "large")
    for name, make, sizes in (
        ("NMS, boxes", suppress, (1000, 10_000, 100_000)),
        ("HungarianMatcher, N = M", assign, (100, 300, 1000)),
        ("ThresholdMatcher, N with M = 20", match, (1000, 10_000, 100_000)),
    ):
        medians = grow(name, make, sizes)
        table.add(name, *(f"{n}: {1e3 * s:.3f}" for n, s in zip(sizes, medians, strict=True)))
    table.print()
