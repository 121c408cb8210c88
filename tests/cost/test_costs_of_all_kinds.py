"""What holds for every cost and metric: of layouts, batches, dtypes, and of their bounds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refkernels
from refkernels import cost
from refkernels.conformance.cases import find
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.compare import error_ratio

NAMES = list(cost.__all__)
DTYPES = [np.float16, np.float32, np.float64]
COUNT, TRUTHS, CLASSES = 7, 5, 9

each_operator = pytest.mark.parametrize("name", NAMES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def corners(rng, *shape):
    low = rng.uniform(0, 10, (*shape, 2))
    return np.concatenate([low, low + rng.uniform(1, 10, (*shape, 2))], -1)


def inputs_of(name: str, dtype: Any, images=(2,), count=COUNT, truths=TRUTHS, seed=0):
    """Return the inputs of a call by name; all but labels and masks in this dtype."""
    rng = np.random.default_rng(seed)
    anchors, boxes = corners(rng, *images, count), corners(rng, *images, truths)
    scores, ious = rng.random((*images, count, CLASSES)), rng.random((*images, count, truths))
    given = {
        "CenterDistance": {"a": anchors, "b": boxes},
        "InsideMask": {"points": anchors[..., :2] + 1, "boxes": boxes},
        "TaskAlignedMetric": {"scores": scores, "labels": None, "ious": ious},
        "SimOTACost": {"scores": scores, "labels": None, "ious": ious, "inside": ious > 0.5},
        "DETRCost": {
            "logits": rng.normal(0, 2, scores.shape),
            "boxes": anchors / 20,
            "labels": None,
            "truths": boxes / 20,
        },
    }[name]
    given = {
        key: value.astype(dtype) if value is not None and value.dtype == np.float64 else value
        for key, value in given.items()
    }
    if "labels" in given:
        given["labels"] = rng.integers(0, CLASSES, (*images, truths))
    return given


def call(name, inputs, **config):
    return getattr(refkernels, name)(**config)(**inputs)


def same_bits(one, other):
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@each_operator
@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(["float16", "float32", "float64"]))
def test_the_kernel_does_what_is_defined(name, data, dtype):
    operator = find(name)
    case = data.draw(operator.cases()).astype(np.dtype(dtype))
    wrong = operator.judge_kernel(case, operator.refer(case, ask_definition=True))
    assert wrong is None, wrong.what


@each_operator
@each_dtype
def test_the_layout_makes_no_difference_in_any_bit(name, dtype):
    inputs = inputs_of(name, dtype)
    expected = call(name, inputs)
    for key, array in inputs.items():
        read_only = array.copy()
        read_only.flags.writeable = False
        layouts = [
            np.asfortranarray(array),
            np.flip(np.flip(array).copy()),
            np.repeat(array, 2, axis=-1)[..., ::2],
            array.astype(array.dtype.newbyteorder()),
            np.frombuffer(b"?" + array.tobytes(), array.dtype, offset=1).reshape(array.shape),
            read_only,
        ]
        for layout in layouts:
            before = layout.tobytes()
            assert same_bits(call(name, {**inputs, key: layout}), expected)
            assert layout.tobytes() == before


@each_operator
@each_dtype
def test_an_image_alone_has_what_it_has_in_a_batch(name, dtype):
    inputs = inputs_of(name, dtype, (3,))
    together = call(name, inputs)
    assert together.shape == (3, COUNT, TRUTHS)
    for image in range(3):
        alone = call(name, {key: array[image] for key, array in inputs.items()})
        assert same_bits(alone, together[image])


@each_operator
def test_a_batch_of_1_goes_with_any(name):
    inputs = inputs_of(name, np.float32, (3,))
    for key, array in inputs.items():
        whole = {**inputs, key: np.repeat(array[:1], 3, 0)}
        for one in (array[:1], array[0]):  # without its axis it is one for all too
            assert same_bits(call(name, {**inputs, key: one}), call(name, whole))


@each_operator
def test_one_input_with_a_batch_makes_one_of_all(name):
    alone = inputs_of(name, np.float32, ())
    for key, array in alone.items():
        batch = np.stack([array, array])
        found = call(name, {**alone, key: batch})
        assert same_bits(found, call(name, {k: np.stack([x, x]) for k, x in alone.items()}))


@each_operator
@each_dtype
@pytest.mark.parametrize(
    ("images", "count", "truths"),
    [((), 0, 3), ((), 3, 0), ((), 0, 0), ((0,), 3, 2), ((2,), 0, 3), ((2,), 3, 0)],
)
def test_nothing_is_normal_input(name, dtype, images, count, truths):
    found = call(name, inputs_of(name, dtype, images, count, truths))
    assert found.shape == (*images, count, truths)
    assert found.dtype == (bool if name == "InsideMask" else dtype)


@each_operator
def test_rows_and_columns_may_come_in_any_order(name):
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(COUNT), rng.permutation(TRUTHS)
    inputs = inputs_of(name, np.float32)
    axes = find(name).axes(Case({}, inputs))
    changed = {}
    for key, array in inputs.items():
        for letter, order in (("N", rows), ("M", columns)):
            if letter in axes[key]:
                array = np.take(array, order, axes[key].index(letter))
        changed[key] = array
    expected = call(name, inputs)[:, rows][:, :, columns]
    assert same_bits(call(name, changed), np.ascontiguousarray(expected))


@each_operator
def test_more_pairs_than_a_block_have_what_each_has_alone(name):
    inputs = inputs_of(name, np.float32, (), 700, 3)
    whole = call(name, inputs)
    axes = find(name).axes(Case({}, inputs))
    for i in (0, 340, 341, 342, 699):
        own = {
            key: array[i : i + 1] if "N" in axes[key] else array for key, array in inputs.items()
        }
        assert same_bits(call(name, own), whole[i : i + 1])
    # And more columns than a block, of which a row is one.
    inputs = inputs_of(name, np.float32, (), 2, 1500)
    first = {
        key: np.take(array, range(7), axes[key].index("M")) if "M" in axes[key] else array
        for key, array in inputs.items()
    }
    assert same_bits(call(name, first), np.ascontiguousarray(call(name, inputs)[:, :7]))


@each_operator
def test_a_second_call_gives_the_same(name):
    operator = getattr(refkernels, name)()
    inputs, others = inputs_of(name, np.float32), inputs_of(name, np.float32, seed=1)
    first = operator(**inputs)
    operator(**others)
    assert same_bits(operator(**inputs), first)


@each_operator
def test_mixed_dtypes_become_the_wider(name):
    inputs = inputs_of(name, np.float32)
    reals = [key for key, array in inputs.items() if array.dtype.kind == "f"]
    for key in reals:
        found = call(name, {**inputs, key: inputs[key].astype(np.float64)})
        assert found.dtype == (bool if name == "InsideMask" else np.float64)
        wide = {k: x.astype(np.float64) if k in reals else x for k, x in inputs.items()}
        assert same_bits(found, call(name, wide))


@each_operator
def test_integers_count_as_float64(name):
    inputs = inputs_of(name, np.float64)
    reals = {key: np.rint(array) for key, array in inputs.items() if array.dtype.kind == "f"}
    whole = {key: array.astype(np.int32) for key, array in reals.items()}
    assert same_bits(call(name, {**inputs, **whole}), call(name, {**inputs, **reals}))


@each_operator
def test_a_masked_array_is_refused(name):
    for key, array in inputs_of(name, np.float32).items():
        inputs = {**inputs_of(name, np.float32), key: np.ma.masked_array(array)}
        with pytest.raises(TypeError, match=f"{key}: expected an array without a mask"):
            call(name, inputs)


BOUNDED = [
    ("CenterDistance", {}),
    ("CenterDistance", {"fmt": "center"}),
    ("TaskAlignedMetric", {}),
    ("TaskAlignedMetric", {"alpha": 0.5, "beta": 2.2}),
    ("SimOTACost", {"penalty": 0.0}),
    ("SimOTACost", {}),
    ("DETRCost", {}),
    ("DETRCost", {"kind": "focal"}),
    ("DETRCost", {"l1_weight": 0.0, "giou_weight": 0.0}),
    ("DETRCost", {"kind": "focal", "l1_weight": 0.0, "giou_weight": 0.0}),
    ("DETRCost", {"class_weight": 0.0, "l1_weight": 0.0}),
]


@each_dtype
@pytest.mark.parametrize(("name", "config"), BOUNDED)
def test_the_worst_error_lies_between_a_fiftieth_of_the_bound_and_the_bound(name, config, dtype):
    operator = find(name)
    case = Case(config, inputs_of(name, dtype, (), 30, 20))
    reference = operator.refer(case, ask_definition=True)
    (output,) = operator.outputs(case)
    ((kernel,), (exact,)) = reference.kernel, reference.exact
    bound = output.bound(case, exact)
    ratios = [
        error_ratio(float(found), value, float(own), kernel.dtype)
        for found, value, own in zip(kernel.flat, exact.flat, bound.flat, strict=True)
    ]
    assert 1 / 50 <= max(ratios) <= 1


def test_warmup_compiles_all():
    cost.warmup()
    assert set(refkernels._OPERATORS["cost"]) == set(cost.__all__)
