"""What every test run needs, doctests included: a kernel cache of its own, Hypothesis profiles, and
a reason where MXNet is absent."""

import functools
import hashlib
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent
PEERS = ROOT / "refkernels" / "conformance" / "peers"
NEED_MXNET = (ROOT / "refkernels" / "gluon", ROOT / "tests" / "gluon")
DAY = 24 * 60 * 60
PRINTED = np.get_printoptions()


@pytest.fixture(autouse=True)
def numbers_print_as_usual() -> None:
    """Undo what a package does to how NumPy prints numbers, when it is imported."""
    np.set_printoptions(**PRINTED)


def pytest_configure(config: pytest.Config) -> None:
    # Before any test file imports refkernels: Numba reads its settings when it is imported.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(_kernel_cache(config.cache)))
    _load_hypothesis_profile()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Look for doctests in refkernels only: what stands beside the tests need not import here.

    Nor need the calls of peers, which import them.
    """
    is_call = "calls" in (collection_path.stem, collection_path.parent.name)
    if is_call and PEERS in collection_path.parents:
        return True
    in_tests = ROOT / "tests" in collection_path.parents and collection_path.suffix == ".py"
    return True if in_tests and not collection_path.name.startswith("test_") else None


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> pytest.CollectReport | None:
    """Skip the files of the gluon rooms, and say why, where MXNet does not import."""
    if not isinstance(collector, pytest.File):
        return None
    if not any(room in collector.path.parents for room in NEED_MXNET):
        return None
    reason = mxnet_is_missing()
    if reason is None:
        return None
    where = (str(collector.path), 0, f"Skipped: {reason}")
    return pytest.CollectReport(collector.nodeid, "skipped", where, [])


@functools.cache
def mxnet_is_missing() -> str | None:
    """Return why MXNet does not import here, or None if it does."""
    try:
        import refkernels.gluon  # noqa: F401
    except ImportError as error:
        if "needs MXNet" in str(error):
            return str(error)
    return None  # whatever else is wrong, the file's own collection says so


def _kernel_cache(cache: pytest.Cache) -> Path:
    """Return a folder for kernels compiled from exactly these sources.

    Numba looks for a newer kernel in the kernel's own file only, and so would go on using one that
    calls a function of another file as it was before an edit; and one that checks no index where
    all are to be checked.
    """
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for source in sorted((ROOT / "refkernels").rglob("*.py")):
        digest.update(source.read_bytes())
    home = cache.mkdir("numba")
    folder = home / digest.hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    for old in home.iterdir():  # of sources that are no more; a day spares a run beside this one
        if old.stat().st_mtime < time.time() - DAY:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _load_hypothesis_profile() -> None:
    from hypothesis import HealthCheck, settings

    # The first example of a test compiles kernels, so no deadline and no complaint of slowness.
    quiet = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("dev", print_blob=True, **quiet)
    settings.register_profile("ci", print_blob=True, derandomize=True, **quiet)
    settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")
