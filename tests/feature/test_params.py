"""Parameter files are read as MXNet writes them, and nothing else is taken for one."""

import struct

import numpy as np
import pytest

from refkernels.network.params import read_params

DTYPES = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]
FLAGS = dict(zip(DTYPES, range(8), strict=True))


def array_bytes(array, magic=0xF993FAC9, storage=0):
    """One array as MXNet's C++ writes it."""
    head = struct.pack("<I", magic)
    if magic != 0xF993FAC8:
        head += struct.pack("<i", storage)
    head += struct.pack(f"<i{array.ndim}q", array.ndim, *array.shape)
    return head + struct.pack("<iii", 1, 0, FLAGS[array.dtype.name]) + array.tobytes()


def old_array_bytes(array):
    """One array as MXNet before 0.10 wrote it."""
    head = struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape)
    return head + struct.pack("<iii", 1, 0, FLAGS[array.dtype.name]) + array.tobytes()


def file_bytes(named):
    content = struct.pack("<QQQ", 0x112, 0, len(named)) + b"".join(named.values())
    content += struct.pack("<Q", len(named))
    return content + b"".join(struct.pack("<Q", len(n)) + n.encode() for n in named)


@pytest.fixture
def write(tmp_path):
    def writer(content):
        path = tmp_path / "some.params"
        path.write_bytes(content)
        return path

    return writer


ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_mxnet_saves_is_read(mx, tmp_path, dtype):
    path = str(tmp_path / "saved.params")
    arrays = {
        "arg:weight": np.arange(-3, 3).astype(dtype).reshape(2, 3),
        "aux:mean": np.array([1, 0]).astype(dtype),
        "plain": np.ones((1, 2, 1, 3), dtype),
    }
    mx.nd.save(path, {name: mx.nd.array(a, dtype=dtype) for name, a in arrays.items()})
    found = read_params(path)
    assert list(found) == ["weight", "mean", "plain"]
    for read, saved in zip(found.values(), arrays.values(), strict=True):
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, saved)


def test_what_mxnet_saves_in_numpy_mode_is_read(mx, tmp_path):
    path = str(tmp_path / "saved.params")
    with mx.util.np_shape(True):
        mx.nd.save(path, {"scalar": mx.nd.array(np.float32(3)), "none": mx.nd.zeros((0, 2))})
        found = read_params(path)
    assert found["scalar"].shape in ((), (1,))
    assert found["none"].shape == (0, 2)


def test_older_forms_are_read_as_mxnet_reads_them(mx, write):
    path = write(
        file_bytes(
            {
                "now": array_bytes(ARRAY),
                "v1": array_bytes(ARRAY, magic=0xF993FAC8),
                "v0": old_array_bytes(ARRAY),
            }
        )
    )
    found = read_params(path)
    loaded = mx.nd.load(str(path))
    assert sorted(found) == sorted(loaded)
    for name in loaded:
        np.testing.assert_array_equal(found[name], loaded[name].asnumpy())


def test_a_mapping_may_hold_arrays_of_numpy_and_mxnet(mx):
    weight = mx.gluon.Parameter("weight", shape=(2, 3))
    weight.initialize(mx.init.One())
    found = read_params({"arg:a": ARRAY, "b": mx.nd.array(ARRAY), "weight": weight})
    np.testing.assert_array_equal(found["a"], ARRAY)
    np.testing.assert_array_equal(found["b"], ARRAY)
    np.testing.assert_array_equal(found["weight"], np.ones((2, 3)))
    parameters = mx.gluon.nn.Dense(2, in_units=3, prefix="fc_").collect_params()
    parameters.initialize(mx.init.One())
    assert sorted(read_params(parameters)) == ["fc_bias", "fc_weight"]


WHOLE = file_bytes({"arg:a": array_bytes(ARRAY), "aux:b": array_bytes(ARRAY)})


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_file_that_is_cut_short_anywhere_is_an_error(write, length):
    with pytest.raises(ValueError, match=r"some\.params: the file ends at byte"):
        read_params(write(WHOLE[:length]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{" * 100, "begins with 0x112, got 0x7b7b7b7b7b7b7b7b"),
        (WHOLE + b"x", "expected the end at byte"),
        (file_bytes({"a": array_bytes(ARRAY, storage=1)}), "array 0: expected dense storage, .* 1"),
        (struct.pack("<QQQ", 0x112, 0, 2**60), "the file ends at byte 24"),
        (file_bytes({"a": array_bytes(ARRAY)[:-28] + struct.pack("<i", 12)}), "expected a dtype"),
        (file_bytes({"a": struct.pack("<Iii", 0xF993FAC9, 0, 99)}), "at most 32 axes, got 99"),
        (file_bytes({"a": struct.pack("<Iii", 0xF993FAC9, 0, 0)}), "array without one"),
        (file_bytes({"a": struct.pack("<Iiiq", 0xF993FAC9, 0, 1, -1)}), "lengths of at least 0"),
        (
            file_bytes({"a": struct.pack("<Iiiqiii", 0xF993FAC9, 0, 1, 2**61, 1, 0, 0)}),
            "the file ends",
        ),
        (file_bytes({"arg:a": array_bytes(ARRAY), "aux:a": array_bytes(ARRAY)}), "'a' is there"),
        (
            WHOLE.replace(struct.pack("<Q", 2) + struct.pack("<Q", 5), struct.pack("<QQ", 3, 5)),
            "expected a name for each of 2 arrays, got 3 names",
        ),
        (WHOLE.replace(b"aux:b", b"arg:a"), "'arg:a' is there twice"),
        (WHOLE.replace(b"aux:b", b"aux:\xff"), "a name in UTF-8"),
    ],
)
def test_a_file_that_is_something_else_is_an_error(write, content, message):
    with pytest.raises(ValueError, match=message):
        read_params(write(content))


def test_what_is_no_parameters_at_all_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.params"):
        read_params(tmp_path / "absent.params")
    with pytest.raises(TypeError, match=r"params: expected a path or a mapping .* got list"):
        read_params([ARRAY])
    with pytest.raises(TypeError, match=r"params\['a'\]: expected an array, got list"):
        read_params({"a": [1, 2]})
