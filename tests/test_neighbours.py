"""The result of an image depends on it alone, and that of a pair, or of a row, on that alone.

Whatever else is in the batch: huge, tiny or subnormal numbers, boxes without extent, padding, more
positives, or none.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels import BBoxBatchIOU, OHEMSampler
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.coder import SigmoidClassEncoder
from refkernels.definition import bbox as definition
from refkernels.matcher import BipartiteMatcher, CompositeMatcher, MaximumMatcher
from refkernels.sampler import QuotaSampler
from tests.calls import ANCHORS, STYLES, TRUTHS, Call, boxes, parts, stacked
from tests.detector_calls import ALL_CALLS

DTYPES = (np.float16, np.float32, np.float64)

each_call = pytest.mark.parametrize("call", ALL_CALLS, ids=[call.name for call in ALL_CALLS])
seeds = st.integers(0, 2**32)
dtypes = st.sampled_from(DTYPES)
styles = st.sampled_from(STYLES)


def same_bits(one: Any, other: Any) -> bool:
    """Return whether arrays are equal in every bit, that of a zero's sign and a nan's included."""
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@each_call
@settings(max_examples=60)
@given(
    seeds,
    dtypes,
    styles,
    st.lists(styles, min_size=2, max_size=4),
    st.lists(styles, min_size=4, max_size=4),
)
def test_an_image_has_its_result_beside_any_others(
    call: Call, seed: int, dtype: Any, own: str, some: list[str], others: list[str]
) -> None:
    rng = np.random.default_rng(seed)
    shared = call.shared(rng, dtype)
    image = call.image(rng, own, dtype)
    place = int(rng.integers(0, len(some)))
    results = []
    for neighbours in (some, others[: len(some)]):
        images = [call.image(rng, style, dtype) for style in neighbours]
        images[place] = image
        results.append(parts(call.operator(**stacked(images), **shared)))
    if not call.name.startswith("quota") or place == 0:  # what is drawn depends on the place
        results.append(parts(call.operator(**stacked([image]), **shared)))
        places = (place, place, 0)
    else:
        places = (place, place)
    for first, *rest in zip(*results, strict=True):
        for result, at in zip(rest, places[1:], strict=True):
            assert same_bits(result[at], first[place])


@pytest.mark.parametrize(
    "call", [call for call in ALL_CALLS if call.rowwise], ids=lambda call: call.name
)
@settings(max_examples=60)
@given(seeds, dtypes, styles, styles)
def test_a_row_has_its_result_beside_any_others(
    call: Call, seed: int, dtype: Any, own: str, other: str
) -> None:
    rng = np.random.default_rng(seed)
    shared = call.shared(rng, dtype)
    image, neighbours = call.image(rng, own, dtype), call.image(rng, other, dtype)
    row = int(rng.integers(0, ANCHORS))
    among = {name: array.copy() for name, array in neighbours.items()}
    for name, array in among.items():
        array[row] = image[name][row]
    alone = parts(call.operator(**{k: v[row : row + 1] for k, v in image.items()}, **shared))
    beside = parts(call.operator(**image, **shared))
    amid = parts(call.operator(**among, **shared))
    for one, two, three in zip(alone, beside, amid, strict=True):
        assert same_bits(one[0], two[row])
        assert same_bits(one[0], three[row])


pairs = [call for call in ALL_CALLS if call.name.startswith(("iou", "pair distance"))]


@pytest.mark.parametrize("call", pairs, ids=lambda call: call.name)
@settings(max_examples=150)
@given(seeds, dtypes, styles, styles)
def test_a_pair_has_its_number_beside_any_rows_and_columns(
    call: Call, seed: int, dtype: Any, own: str, other: str
) -> None:
    rng = np.random.default_rng(seed)
    image, neighbours = call.image(rng, own, dtype), call.image(rng, other, dtype)
    whole = call.operator(**image)
    i, j = int(rng.integers(0, ANCHORS)), int(rng.integers(0, TRUTHS))
    row, column = image["a"][i : i + 1], image["b"][j : j + 1]
    alone = call.operator(row, column)
    assert same_bits(whole[i : i + 1, j : j + 1], alone)
    for k in range(0, ANCHORS + 1, 3):
        a = np.insert(neighbours["a"], k, row, axis=0)
        b = np.insert(neighbours["b"], k % (TRUTHS + 1), column, axis=0)
        found = call.operator(a, b)[k, k % (TRUTHS + 1)]
        assert same_bits(found.reshape(1, 1), alone)


def test_a_huge_box_in_one_image_leaves_those_of_another_as_they_are() -> None:
    a = np.float32([[[10, 10, 10.02, 10.02]], [[0, 0, 3e38, 1]]])
    b = np.float32([[[10, 10, 10.02, 10.015]], [[0, 0, 1, 1]]])
    together, alone = BBoxBatchIOU()(a, b), BBoxBatchIOU()(a[0], b[0])
    assert same_bits(together[0], alone)
    assert alone[0, 0] == pytest.approx(float(definition.BBoxBatchIOU(a[0], b[0])[0, 0]), rel=1e-6)
    small = np.float32([[[10, 10, 10.005, 10.005]], [[0, 0, 3e38, 1]]])
    smaller = np.float32([[[10, 10, 10.005, 10.0032]], [[0, 0, 1, 1]]])
    assert 0.6 < BBoxBatchIOU()(small, smaller)[0, 0, 0] < 0.7


@pytest.mark.parametrize(
    "extreme",
    [[0, 0, 3e38, 1], [-3e38, -3e38, 3e38, 3e38], [0, 0, 1e-30, 1e-30], [0, 0, 1e-45, 3e38]],
)
def test_a_box_beside_an_extreme_one_in_its_image_keeps_its_iou(extreme: list[float]) -> None:
    box, truth = np.float32([[10, 10, 10.005, 10.005]]), np.float32([[10, 10, 10.005, 10.0032]])
    alone = BBoxBatchIOU()(box, truth)
    more = np.float32([extreme])
    assert same_bits(BBoxBatchIOU()(np.concatenate([more, box]), truth)[1:], alone)
    assert same_bits(BBoxBatchIOU()(box, np.concatenate([truth, more]))[:, :1], alone)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_anchors_of_the_same_logits_are_equally_hard_wherever_they_stand(dtype: Any) -> None:
    # As many as are scored in one go, and one more: NumPy adds a single column in another order.
    unmatched, none = np.full(2049, -1), np.zeros(2049, dtype)
    for seed in range(10):
        row = np.random.default_rng(seed).normal(size=81).astype(dtype)
        logits = np.broadcast_to(row, (2049, 81))
        samples = OHEMSampler(0, min_samples=1)(unmatched, logits, none)
        assert np.flatnonzero(samples).tolist() == [0]


SSD = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
ASSIGNERS = {
    "ssd": {"matcher": SSD},
    "rpn": {
        "matcher": CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.7)]),
        "sampler": QuotaSampler(4, pos_thresh=0.7, neg_thresh_high=0.3),
        "class_encoder": SigmoidClassEncoder(),
    },
    "composed": {"matcher": MaximumMatcher(0)},
}


def assigned(rng: np.random.Generator, style: str, dtype: Any) -> tuple[Array, Array, Array]:
    """Boxes, labels and ignored regions of an image."""
    count = {"none": 0, "many": 3 * TRUTHS}.get(style, int(rng.integers(0, TRUTHS)))
    own = boxes(rng, style, dtype, count, "corner")
    regions = boxes(rng, style, dtype, int(rng.integers(0, 3)), "corner")
    return own, rng.integers(0, 5, count), regions


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("anchors", ["usual", "huge", "tiny", "subnormal", "flat", "inverted"])
@pytest.mark.parametrize("name", ASSIGNERS)
def test_an_image_has_its_targets_beside_any_others(name: str, anchors: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    assigner = TargetAssigner(
        boxes(rng, anchors, dtype, 40, "corner"), dtype=dtype, **ASSIGNERS[name]
    )
    for own in STYLES:
        image = assigned(rng, own, dtype)
        alone = assigner(*image, rng=3, image_ids=17)
        sparse = assigner.sparse(*image, rng=3, image_ids=17)
        for other in ("huge", "subnormal", "padding", "many"):
            images = [assigned(rng, other, dtype) for _ in range(3)]
            place = int(rng.integers(0, 3))
            images[place] = image
            ids = [4, 5, 6]
            ids[place] = 17
            given = [list(part) for part in zip(*images, strict=True)]
            targets = assigner(*given, rng=3, image_ids=ids)
            few = assigner.sparse(*given, rng=3, image_ids=ids)[place]
            for field in ("cls_targets", "box_targets", "box_masks", "matches", "samples"):
                assert same_bits(getattr(targets, field)[place], getattr(alone, field)), field
            for field in ("positives", "negatives", "matches", "cls_targets", "box_targets"):
                assert same_bits(getattr(few, field), getattr(sparse, field)), field
            assert targets.dropped[place] == alone.dropped


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["ssd", "composed"])
def test_a_box_that_no_anchor_meets_changes_nothing_for_the_others(name: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    anchors = boxes(rng, "usual", dtype, 40, "corner")
    assigner = TargetAssigner(anchors, dtype=dtype, matcher=SSD)
    info = np.finfo(dtype)
    far = [[-info.max, -info.max, -info.max / 2, -info.max / 2], [-1, -1, -1 + 1e-6, -1 + 1e-6]]
    tiny = float(info.smallest_subnormal)
    far += [[-4 * tiny, -4 * tiny, -2 * tiny, -tiny]]
    for box in np.array(far, dtype):
        own = boxes(rng, "usual", dtype, 4, "corner")
        alone = assigner(own, [1, 2, 3, 4])
        beside = assigner(np.concatenate([own, box[None]]), [1, 2, 3, 4, 0])
        for field in ("cls_targets", "box_targets", "box_masks", "matches", "samples"):
            assert same_bits(getattr(beside, field), getattr(alone, field)), field
