"""How `TargetAssigner` is called: in batches, by threads and processes, and with what is wrong."""

import ctypes
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import TargetAssigner
from refkernels.coder import (
    NormalizedPerClassBoxCenterEncoder,
)
from refkernels.matcher import MaximumMatcher
from refkernels.sampler import OHEMSampler, QuotaSampler
from tests.assign.scenes import (
    ANCHORS,
    BOX,
    assert_same,
    call,
    composed,
    scene,
)
from tests.compiled import needs_compiler


def test_a_list_a_padded_array_and_single_images_give_the_same() -> None:
    _, images = scene(5, 4, 3, 6)
    images = [
        (boxes[keep], labels[keep], regions)
        for boxes, labels, regions in images
        for keep in [(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    ]
    assigner = TargetAssigner(ANCHORS, degenerate="error")
    whole = call(assigner, images)
    most = max(len(boxes) for boxes, _, _ in images)
    padded = np.full((3, most, 4), -1.0)
    labels = np.full((3, most), -1)
    for k, (boxes, own, _) in enumerate(images):
        padded[k, : len(boxes)], labels[k, : len(boxes)] = boxes, own
    regions = [image[2] for image in images]
    other = assigner(padded, labels, regions)
    np.testing.assert_array_equal(other.dropped, [0, 0, 0])
    for name in ("cls_targets", "box_targets", "box_masks", "matches", "samples"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(other, name))
        for k, image in enumerate(images):
            np.testing.assert_array_equal(getattr(assigner(*image), name), getattr(whole, name)[k])


def test_in_a_padded_array_only_what_comes_before_a_real_box_counts_as_dropped() -> None:
    boxes = np.array([[[0.0, 0, 0, 0], [0, 0, 10, 10], [0, 0, 0, 0]], [[0.0] * 4] * 3])
    assigner = TargetAssigner(ANCHORS)
    np.testing.assert_array_equal(assigner(boxes, np.zeros((2, 3))).dropped, [1, 0])
    np.testing.assert_array_equal(assigner(list(boxes), np.zeros((2, 3))).dropped, [2, 3])


def test_targets_can_be_written_to_ones_own_arrays() -> None:
    anchors, images = scene(8, 300, 3, 6)
    assigner = TargetAssigner(anchors)
    out = assigner.empty(batch=3)
    out.box_targets[:] = np.nan
    targets = call(assigner, images, out=out)
    assert targets is out
    assert_same(targets, composed(assigner, images))
    single = assigner.empty()
    assert assigner(*images[0], out=single) is single
    np.testing.assert_array_equal(single.matches, targets.matches[0])


def test_threads_change_nothing() -> None:
    anchors, images = scene(12, 1500, 3, 40)
    images = images * 7
    sampler = QuotaSampler(16, pos_thresh=1.0, neg_thresh_high=0.3)
    options = {"matcher": MaximumMatcher(0.3), "sampler": sampler}
    expected = call(TargetAssigner(anchors, **options), images, rng=2)
    assigner = TargetAssigner(anchors, **options, threads=3)
    for _ in range(5):
        targets = call(assigner, images, rng=2)
        np.testing.assert_array_equal(targets.samples, expected.samples)
        np.testing.assert_array_equal(targets.box_targets, expected.box_targets)
        sparse = assigner.sparse(*map(list, zip(*images, strict=True)), rng=2)
        for own, samples in zip(sparse, expected.samples, strict=True):
            np.testing.assert_array_equal(own.positives, np.flatnonzero(samples > 0))
    with pytest.raises(ValueError, match=r"boxes\[20\]\[0, 1\] is nan"):
        call(assigner, [*images[:20], (np.array([[0, np.nan, 1, 1]]), [1], np.zeros((0, 4)))])


def test_one_assigner_serves_many_threads_at_once() -> None:
    anchors, images = scene(15, 1500, 3, 12)
    assigner = TargetAssigner(anchors)
    expected = [assigner(*image).box_targets for image in images]
    with ThreadPoolExecutor(4) as pool:
        for k, targets in enumerate(pool.map(lambda image: assigner(*image), images * 20)):
            np.testing.assert_array_equal(targets.box_targets, expected[k % 3])


def samples_of(assigner: TargetAssigner, images: Any) -> Any:
    return call(assigner, images, rng=4).samples


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_assigner_works_in_other_processes(method: str) -> None:
    anchors, images = scene(16, 300, 3, 6)
    sampler = QuotaSampler(16, pos_thresh=1.0, neg_thresh_high=0.3)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5), sampler, threads=2)
    expected = samples_of(assigner, images)  # also starts threads, which a fork does not copy
    with multiprocessing.get_context(method).Pool(1) as pool:
        result = pool.apply_async(samples_of, (assigner, images)).get(timeout=60)
    np.testing.assert_array_equal(result, expected)


def test_a_pickled_assigner_is_the_same() -> None:
    anchors, images = scene(17, 300, 2, 6)
    assigner = TargetAssigner(anchors, dtype="float64", name="mine")
    call(assigner, images)
    copy = pickle.loads(pickle.dumps(assigner))
    assert repr(copy) == repr(assigner) == "<TargetAssigner mine: 300 anchors, float64>"
    assert_same(call(copy, images), composed(assigner, images))


def peak_memory(call: Any) -> int:
    """Bytes by which the process grows while `call` runs, and keeps or gives back."""
    ctypes.CDLL(None).malloc_trim(0)  # or it would take what was given back before
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what there is now
    call()
    return memory("VmHWM") - before


def memory(key: str) -> int:
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if key + ":" in line
    ]
    return int(line.split()[1]) * 1024


@needs_compiler
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("share", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_stays_below_16_bytes_an_anchor(dtype: str, share: float) -> None:
    anchors, [image] = scene(20, 500_000, 1, 40)
    sampler = QuotaSampler(int(share * len(anchors)), pos_thresh=1.0, neg_thresh_high=0.3)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5), sampler, dtype=dtype)
    out = assigner.empty()
    for array in (out.cls_targets, out.box_targets, out.box_masks, out.matches, out.samples):
        array.fill(0)  # so that it is there
    size = 8 * len(anchors)
    assert peak_memory(lambda: np.ones(len(anchors), np.int64)) > 0.9 * size  # it does measure
    assert peak_memory(lambda: assigner(*image, out=out)) < 2 * size


def test_inputs_of_any_layout_and_dtype_are_taken_and_left_alone() -> None:
    anchors, [image] = scene(21, 70, 1, 12)
    boxes, labels, regions = (np.round(part).astype(np.int16) for part in image)
    assigner = TargetAssigner(anchors)
    expected = assigner(
        boxes.astype(np.float32), labels.astype(np.int64), regions.astype(np.float32)
    )
    variants = [
        (boxes, labels, regions),
        (np.asfortranarray(boxes.astype(np.float64)), labels.astype(np.float32), regions),
        (boxes[::-1].copy()[::-1], labels.tolist(), regions.tolist()),
        (boxes.astype(">f4"), labels.astype(np.uint8), regions.astype(np.float16)),
    ]
    fixed = boxes.astype(np.float32)
    fixed.setflags(write=False)
    variants.append((fixed, labels, regions))
    for variant in variants:
        before = pickle.dumps(variant)
        targets = assigner(*variant)
        assert pickle.dumps(variant) == before
        np.testing.assert_array_equal(targets.box_targets, expected.box_targets)
        np.testing.assert_array_equal(targets.samples, expected.samples)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 3)), [1, 2]), ValueError, "boxes: expected axis -1 to have length 4"),
        ((np.zeros(4), [1]), ValueError, r"boxes: expected \(M, 4\), a list of such"),
        ((BOX, [1, 2]), ValueError, r"labels: expected one for each of 1 box, got shape \(2,\)"),
        ((BOX, [0.5]), ValueError, r"labels\[0\] is 0.5, expected whole numbers"),
        ((BOX, ["cat"]), TypeError, "labels: expected integers or whole floats"),
        ((BOX * np.nan, [1]), ValueError, r"boxes\[0, 0\] is nan, expected finite"),
        ((BOX * 1e300, [1]), ValueError, r"boxes\[0, 0\] is 1e\+300, which overflows float32"),
        ((BOX, [2**63 - 1]), ValueError, "gives a target that is not exact in int64"),
        ((BOX, [1], [[np.inf, 0, 1, 1]]), ValueError, r"ignore\[0, 0\] is inf"),
        ((BOX, [1], [[1, 2, 3]]), ValueError, "ignore: expected axis -1 to have length 4"),
        (([BOX, BOX], [[1]]), ValueError, "labels: expected those of 2 images, got 1"),
        (([BOX, BOX], [[1], [1, 2]]), ValueError, r"labels\[1\]: expected one for each of 1 box"),
        (([BOX, BOX[:, :3]], [[1], [1]]), ValueError, r"boxes\[1\]: expected axis -1"),
        (([BOX], [[1]], [BOX, BOX]), ValueError, "ignore: expected those of 1 image, got 2"),
        (([BOX], 5), TypeError, "labels: expected those of 1 image, got 5"),
    ],
)
def test_bad_input_is_an_error_that_says_where_and_what(
    arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TargetAssigner(ANCHORS)(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"anchors": [[1, 2, 3]]}, ValueError, "anchors: expected axis -1 to have length 4"),
        ({"anchors": [[0, 0, np.nan, 1]]}, ValueError, r"anchors\[0, 2\] is nan"),
        ({"anchors": np.zeros((1, 2, 4))}, ValueError, r"anchors: expected \(N, 4\)"),
        ({"anchors": [[0, 0, 1e39, 1]]}, ValueError, r"anchors\[0, 2\] is 1e\+39, which overflows"),
        ({"matcher": "ssd"}, TypeError, "matcher: expected a Matcher or ATSSMatcher or "),
        ({"sampler": OHEMSampler(3)}, TypeError, "sampler: expected a NaiveSampler or Bal"),
        (
            {"box_encoder": NormalizedPerClassBoxCenterEncoder(3)},
            TypeError,
            "box_encoder: expected a NormalizedBoxCenterEncoder",
        ),
        ({"class_encoder": 3}, TypeError, "class_encoder: expected a MultiClassEncoder or Sigm"),
        ({"dtype": "float16"}, ValueError, "dtype: expected 'float32' or 'float64'"),
        ({"degenerate": "keep"}, ValueError, "degenerate: expected 'drop' or 'error'"),
        ({"crowd_thresh": 1.5}, ValueError, "crowd_thresh: expected a number from 0 to 1"),
        ({"threads": 0}, ValueError, "threads: expected an integer of at least 1"),
    ],
)
def test_a_bad_parameter_is_an_error(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TargetAssigner(**{"anchors": ANCHORS, **options})


def test_arrays_to_be_filled_must_fit() -> None:
    assigner = TargetAssigner(ANCHORS)
    with pytest.raises(TypeError, match="out: expected Targets, got tuple"):
        assigner(BOX, [1], out=())
    with pytest.raises(
        ValueError, match=r"out.cls_targets: expected a C-contiguous array of int64"
    ):
        assigner(BOX, [1], out=assigner.empty(2))
    out = assigner.empty()
    out.samples.setflags(write=False)
    with pytest.raises(ValueError, match=r"out.samples: .* that can be written"):
        assigner(BOX, [1], out=out)


def test_an_image_id_must_be_a_count() -> None:
    assigner = TargetAssigner(ANCHORS)
    with pytest.raises(
        ValueError, match="image_ids: expected an integer from 0 to 18446744073709551615, got -1"
    ):
        assigner(BOX, [1], image_ids=-1)
    with pytest.raises(TypeError, match=r"image_ids\[1\]: expected an integer, got 'a'"):
        assigner([BOX, BOX], [[1], [1]], image_ids=[1, "a"])


def test_a_positive_that_is_not_matched_is_an_error() -> None:
    sampler = QuotaSampler(8, pos_thresh=0.5, neg_thresh_high=0.3)
    assigner = TargetAssigner(ANCHORS, MaximumMatcher(0.9), sampler)
    with pytest.raises(ValueError, match="anchor 0 is a positive sample with match -1"):
        assigner(BOX, [1])


def test_targets_that_share_memory_are_refused() -> None:
    assigner = TargetAssigner(ANCHORS)
    out = assigner.empty()
    out.samples = out.matches
    with pytest.raises(ValueError, match=r"out.samples: expected memory of its own, got that of"):
        assigner(BOX, [1], out=out)
    whole = np.zeros(len(ANCHORS) + 1, np.int64)
    out.matches, out.samples = whole[1:], whole[:-1]
    with pytest.raises(ValueError, match=r"out.samples: expected memory of its own, got that of"):
        assigner(BOX, [1], out=out)


def test_boxes_that_lie_where_targets_go_are_read_before() -> None:
    assigner = TargetAssigner(ANCHORS)
    expected = assigner(BOX, [7])
    out = assigner.empty()
    out.box_targets[1], out.cls_targets[0] = BOX[0], 7
    targets = assigner(out.box_targets[1:2], out.cls_targets[:1], out=out)
    fields = ("cls_targets", "box_targets", "box_masks", "matches", "samples")
    assert_same(targets, {name: getattr(expected, name) for name in fields})


@pytest.mark.parametrize(
    "array", [np.ma.masked_array(np.zeros(4, int)), None, np.zeros(33, np.int8)[1:].view(np.int64)]
)
def test_targets_that_are_no_array_to_write_to_are_refused(array: Any) -> None:
    out = TargetAssigner(ANCHORS).empty()
    out.matches = array
    with pytest.raises(ValueError, match=r"out.matches: expected a C-contiguous array of int64"):
        TargetAssigner(ANCHORS)(BOX, [1], out=out)
