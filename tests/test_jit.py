"""How kernels are compiled: with the same options, and cached where there is a place for it."""

import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pickle import UnpicklingError

import numba
import numpy as np
import pytest

import refkernels
from refkernels import jit as jit_module
from refkernels.jit import VECTOR_BYTES, jit, next_number, write_transposed

needs_compiler = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set"
)


@jit
def reciprocal(x):
    return x.dtype.type(1) / x[0]


def test_division_by_zero_gives_infinity_without_a_warning():
    assert reciprocal(np.zeros(1)) == np.inf


@needs_compiler
def test_a_kernel_lets_other_threads_run_and_keeps_to_ieee_arithmetic():
    options = reciprocal.targetoptions
    assert options["nogil"]
    assert options["error_model"] == "numpy"
    assert not options.get("fastmath", False)


@needs_compiler
def test_a_kernel_is_compiled_for_each_dtype_it_meets_when_it_meets_it():
    before = len(reciprocal.signatures)
    reciprocal(np.ones(1, np.float32))
    reciprocal(np.ones(1, np.float32))
    assert len(reciprocal.signatures) == before + 1


@jit
def transposed(columns, first, pitch, out, place, stride):
    write_transposed(columns, first, pitch, out, place, stride)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 8, 9, 30])
def test_a_block_is_transposed_as_if_by_numbers_where_rows_overlap_too(dtype, stride):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    columns = np.arange(3 + lanes * (lanes + 5), dtype=dtype)
    out, expected = np.full((2, 5 + 30 * lanes), -1, dtype)
    transposed(columns, 3, lanes + 5, out, 2, stride)
    for r in range(lanes):
        for c in range(lanes):
            expected[2 + r * stride + c] = columns[3 + c * (lanes + 5) + r]
    assert np.array_equal(out, expected)


def test_threads_that_share_a_counter_get_every_number_once():
    @jit
    def take(counter, taken):
        while True:
            number = next_number(counter)
            if number >= taken.shape[0]:
                return
            taken[number] += 1

    take(np.zeros(1, np.int64), np.zeros(0, np.int64))  # compiles
    counter, taken = np.zeros(1, np.int64), np.zeros(100_000, np.int64)
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(take, counter, taken)
    assert (taken == 1).all() or numba.config.DISABLE_JIT
    assert (taken > 0).all()


def test_without_a_place_for_the_cache_kernels_work_and_one_warning_says_so(monkeypatch):
    real = numba.njit

    def njit(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'kernel': no locator available for file 'x'")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", njit)
    monkeypatch.setattr(jit_module, "_warned", False)

    def kernel(x):
        return x + 1

    with pytest.warns(RuntimeWarning, match=r"no writable place .* set NUMBA_CACHE_DIR"):
        compiled = jit(kernel)
    assert compiled(1) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jit(kernel)(2) == 3


def test_another_error_of_the_compiler_is_not_hidden(monkeypatch):
    def njit(*args, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(numba, "njit", njit)
    with pytest.raises(RuntimeError, match="something else"):
        jit(lambda x: x)


def test_importing_refkernels_compiles_nothing_and_imports_no_framework():
    code = (
        "import sys, refkernels; "
        "print([name for name in ('numba', 'mxnet', 'hypothesis', 'rich') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("error", [AttributeError, EOFError, ImportError, UnpicklingError])
def test_an_index_that_cannot_be_read_is_an_empty_one(error):
    def load():
        raise error("the index")

    class Kernel:
        class _cache:
            class _cache_file:
                _load_index = staticmethod(load)

    jit_module._forget_what_does_not_load(Kernel)
    assert Kernel._cache._cache_file._load_index() == {}


KERNEL = """
from refkernels.jit import VECTOR_BYTES, jit, next_number, write_transposed

@jit
def total(pair):
    return pair.first + pair.second
"""
PAIR = "from typing import NamedTuple\nclass Pair(NamedTuple):\n    first: int\n    second: int\n"


@needs_compiler
@pytest.mark.parametrize("damage", ["a type has moved", "half an index"])
def test_a_cache_that_cannot_be_read_is_made_anew(tmp_path, damage):
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "pairs.py").write_text(PAIR)
    cache = tmp_path / "cache"
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    env = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(cache)}

    def run(module):
        code = f"from {module} import Pair; from kernel import total; print(total(Pair(1, 2)))"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
        return done.stdout.strip(), {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbi")}

    first, made = run("pairs")
    assert (first, len(made)) == ("3", 1)
    module, (index,) = "pairs", made
    if damage == "a type has moved":
        (tmp_path / "pairs.py").rename(tmp_path / "others.py")
        module = "others"
    else:
        index.write_bytes(index.read_bytes()[:-20])
    assert run(module)[0] == "3"
    assert index.stat().st_mtime_ns > made[index]  # it is of use again
    assert run(module)[0] == "3"


def test_warmup_is_that_of_every_family():
    refkernels.warmup()
