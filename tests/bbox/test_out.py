"""Results may go to an array of the caller's, if it is one that they fit."""

import numpy as np
import pytest

import refkernels
from tests.test_bbox import DTYPES, grid

PAIRS = ["BBoxBatchIOU", "BBoxBatchIOA", "BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU"]
each_operator = pytest.mark.parametrize("name", PAIRS)


@each_operator
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((70, 4), (20, 4), (70, 20)),
        ((5, 4), (100, 4), (5, 100)),
        ((2, 9, 4), (1, 3, 4), (2, 9, 3)),
        ((9, 4), (1, 3, 4), (1, 9, 3)),
        ((0, 4), (3, 4), (0, 3)),
    ],
)
def test_it_is_filled_and_returned(name, dtype, a, b, shape):
    a, b = grid(*a[:-1]).astype(dtype), grid(*b[:-1], seed=1).astype(dtype)
    operator = getattr(refkernels, name)()
    expected = operator(a, b)
    out = np.full(shape, 7, dtype)
    assert operator(a, b, out=out) is out
    assert out.tobytes() == expected.tobytes()
    assert operator(a, b, out=None).tobytes() == expected.tobytes()


@each_operator
def test_it_may_be_part_of_another_array_and_is_all_that_is_written_to(name):
    a, b = grid(70).astype(np.float32), grid(3, seed=1).astype(np.float32)
    operator = getattr(refkernels, name)()
    all_of_it = np.full((72, 3), 7, np.float32)
    out = all_of_it[1:71]
    operator(a, b, out=out)
    assert np.array_equal(out, operator(a, b))
    assert (all_of_it[[0, 71]] == 7).all()


@each_operator
def test_it_is_an_array_of_any_kind_that_numpy_has(name, tmp_path):
    a, b = grid(5), grid(3, seed=1)
    out = np.memmap(tmp_path / "out", np.float64, "w+", shape=(5, 3))
    operator = getattr(refkernels, name)()
    assert operator(a, b, out=out) is out
    assert np.array_equal(out, operator(a, b))


EXPECTED = r"^out: expected a C-contiguous float32 array of shape \(5, 3\) that can be written to, "


def read_only():
    out = np.empty((5, 3), np.float32)
    out.flags.writeable = False
    return out


@each_operator
@pytest.mark.parametrize(
    ("out", "error", "got"),
    [
        ([[0.0] * 3] * 5, TypeError, r"got \[\[0.0, "),
        (np.ma.zeros((5, 3), np.float32), TypeError, "got masked_array"),
        (np.empty((5, 3)), ValueError, r"got one of float64 and shape \(5, 3\)$"),
        (np.empty((5, 3), ">f4"), ValueError, r"got one of >f4 and shape \(5, 3\)$"),
        (np.empty((3, 5), np.float32), ValueError, r"got one of float32 and shape \(3, 5\)$"),
        (np.empty((1, 5, 3), np.float32), ValueError, r"got one of float32 and shape \(1, 5, 3\)$"),
        (np.empty((5, 3), np.float32, "F"), ValueError, r"got .* \(5, 3\), not C-contiguous$"),
        (np.empty((5, 6), np.float32)[:, ::2], ValueError, r"got .* \(5, 3\), not C-contiguous$"),
        (read_only(), ValueError, r"got one of float32 and shape \(5, 3\), read-only$"),
        (
            np.frombuffer(bytearray(61), np.uint8)[1:].view(np.float32).reshape(5, 3),
            ValueError,
            r"got one of float32 and shape \(5, 3\), not aligned$",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(name, out, error, got):
    a, b = grid(5).astype(np.float32), grid(3, seed=1).astype(np.float32)
    with pytest.raises(error, match=EXPECTED + got):
        getattr(refkernels, name)()(a, b, out=out)


@each_operator
@pytest.mark.parametrize("operand", ["a", "b"])
def test_memory_of_an_input_is_refused(name, operand):
    memory = np.zeros(16)
    boxes = {"a": grid(4), "b": grid(4, seed=1)}
    boxes[operand] = memory.reshape(4, 4)
    with pytest.raises(
        ValueError, match=f"^out: expected memory of its own, got some of {operand}'s"
    ):
        getattr(refkernels, name)()(**boxes, out=memory.reshape(4, 4))
    assert not memory.any()


@each_operator
def test_it_is_a_keyword(name):
    with pytest.raises(TypeError, match="positional"):
        getattr(refkernels, name)()(grid(2), grid(2), np.zeros((2, 2)))
