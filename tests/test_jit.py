"""How kernels are compiled: with the same options, and cached where there is a place for it."""

import os
import pickle
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import refkernels
from refkernels import jit as jit_module
from refkernels.jit import jit, lanes_of, next_number, write_transposed
from tests.compiled import needs_compiler


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
    lanes = 32 // np.dtype(dtype).itemsize
    columns = np.arange(3 + lanes * (lanes + 5), dtype=dtype)
    out, expected = np.full((2, 5 + 30 * lanes), -1, dtype)
    assert lanes_of(out) == lanes
    transposed(columns, 3, lanes + 5, out, 2, stride)
    for r in range(lanes // 2):
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


KERNEL = """
from refkernels.jit import jit, lanes_of, next_number, write_transposed

@jit
def total(pair):
    return pair.first + pair.second
"""
PAIR = "from typing import NamedTuple\nclass Pair(NamedTuple):\n    first: int\n    second: int\n"


@needs_compiler
def test_a_kernel_whose_types_have_moved_is_made_anew(tmp_path):
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
    (index,) = made
    (tmp_path / "pairs.py").rename(tmp_path / "others.py")
    assert run("others")[0] == "3"
    assert index.stat().st_mtime_ns > made[index]  # it is of use again
    assert run("others")[0] == "3"


OUTSIDE = """
import numpy as np
from refkernels.jit import jit

@jit
def entry(x, place):
    return x[place]
"""


@needs_compiler
def test_kernels_that_check_indices_are_kept_apart_from_those_that_do_not(tmp_path):
    (tmp_path / "outside.py").write_text(OUTSIDE)
    code = "import numpy as np; from outside import entry; print(entry(np.zeros(2), 2))"
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }

    def fails(checked):
        own = {**env, "NUMBA_BOUNDSCHECK": checked}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=own)
        return "IndexError" in done.stderr

    assert [fails(checked) for checked in "01010"] == [False, True, False, True, False]


class Kept:
    """A kernel that is compiled anew, or taken from a cache of its own, each time it is added."""

    def __init__(self, folder, monkeypatch):
        monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)  # so it is where the JIT is off, too
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
        monkeypatch.setattr(jit_module, "_warned", False)
        self._folder = folder

    def add(self, x=1, y=2):
        """Return whether it is taken from the cache."""

        def add(x, y):
            return x + y

        kernel = jit(add)
        assert kernel(x, y) == x + y
        return bool(kernel.stats.cache_hits)

    def files(self, ending):
        return sorted(self._folder.rglob(f"*{ending}"))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    return Kept(tmp_path, monkeypatch)


def test_a_kernel_is_compiled_once_for_all_processes(kept):
    assert not kept.add()
    assert kept.add()


DAMAGES = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[:-20],
    "no pickle": lambda data: b"xxxx",
    "text that is no UTF-8": lambda data: b"\x80\x04\x8c\x04\xff\xff\xff\xff.",
    "longer than can be": lambda data: b"\x80\x05\x8e" + b"\xff" * 8,
    "of something else": lambda data: pickle.dumps(numba.__version__) + pickle.dumps("no pair"),
    "a bit flipped": lambda data: data[:-200] + bytes([data[-200] ^ 1]) + data[-199:],
}


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_the_cache_is_made_anew(kept, damage, ending):
    kept.add()
    (file,) = kept.files(ending)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert not kept.add()
    assert kept.add()


def test_a_kernel_that_was_compiled_for_other_types_is_not_run(kept):
    kept.add(1, 2)
    kept.add(1.5, 2.5)
    first, second = kept.files(".nbc")
    second.write_bytes(first.read_bytes())
    assert not kept.add(1.5, 2.5)
    assert kept.add(1.5, 2.5)


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_folder_in_the_place_of_a_file_is_told_once_and_kernels_work(kept, ending):
    kept.add()
    (file,) = kept.files(ending)
    file.unlink()
    file.mkdir()
    with pytest.warns(RuntimeWarning, match="IsADirectoryError") as told:
        found = [kept.add(), kept.add()]
    assert (found, len(told)) == ([False, False], 1)


def test_a_full_disk_under_the_cache_is_told_once_and_kernels_work(kept):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.warns(RuntimeWarning, match=r"File too large") as told:
            found = [kept.add(), kept.add(1.5, 2.5)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found == [False, False]
    assert [str(warning.message) for warning in told] == [
        "refkernels cannot keep compiled kernels, so each process compiles them anew; set "
        "NUMBA_CACHE_DIR to a writable folder to avoid that (OSError: [Errno 27] File too large)"
    ]
    assert not kept.add()
    assert kept.add()  # as soon as there is room


def test_without_a_place_for_the_cache_one_warning_says_so_and_kernels_work(kept, monkeypatch):
    def no_place(function):
        raise RuntimeError("cannot cache function 'add': no locator available for file 'x'")

    monkeypatch.setattr(jit_module._Cache, "_impl_class", staticmethod(no_place))
    with pytest.warns(RuntimeWarning, match=r"set NUMBA_CACHE_DIR .*no locator") as told:
        found = [kept.add(), kept.add()]
    assert (found, len(told)) == ([False, False], 1)


# A preset of each kind of fused matching, on boxes that reach thresholds or share a best anchor.
ASSIGNED = """
import numpy as np
from refkernels.assign import TargetAssigner
boxes = np.array([[10, 10, 90, 120], [150, 150, 154, 154], [40, 30, 250, 200], [5, 5, 5, 9]], "f4")
for preset in ("ssd300", "torchvision_ssd300", "rpn_fpn", "atss"):
    sizes = {} if "ssd" in preset else {"height": 128, "width": 128}
    assigner = getattr(TargetAssigner, preset)(**sizes)
    found = assigner(boxes, np.arange(4), [[0, 0, 60, 60]], rng=1)
    sparse = assigner.sparse(boxes, np.arange(4), [[0, 0, 60, 60]], rng=1)
    kept = found.cls_targets, found.matches, found.samples, sparse.positives, sparse.negatives
    for own in kept:
        print(preset, hash(own.tobytes()), int((own > 0).sum()))
"""


@needs_compiler
def test_without_the_compiler_assigners_decide_the_same():
    def told(**more):
        environment = {**os.environ, "PYTHONHASHSEED": "0", **more}
        command = [sys.executable, "-c", ASSIGNED]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert told(NUMBA_DISABLE_JIT="1") == told()


def test_warmup_is_that_of_every_family():
    refkernels.warmup()
