"""MXNet imports on today's NumPy, leaves it as it was, and is asked for by name where it is absent.

Each test has a Python of its own, since an import happens once.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refkernels.gluon.compat import numpy_for_mxnet

ROOT = Path(__file__).parents[2]
COMMAND = "pip install 'refkernels[mxnet]'"


def python(program: str, *folders: Path) -> str:
    """Run a program, with `folders` before all others on the path, and return what it prints."""
    path = os.pathsep.join(map(str, (*folders, ROOT)))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


MESSAGE = """
try:
    import refkernels.gluon
except ImportError as error:
    print(error)
import numpy
print("bool" in vars(numpy))
"""


def message(*folders: Path, before: str = "") -> str:
    """Return what the import of refkernels.gluon complains of; NumPy is unchanged even then."""
    text, has_bool = python(before + MESSAGE, *folders).splitlines()
    assert has_bool == str("bool" in vars(np))
    return text


def fake_mxnet(folder: Path, source: str) -> Path:
    (folder / "mxnet").mkdir()
    (folder / "mxnet" / "__init__.py").write_text(source)
    return folder


def test_the_import_leaves_numpy_as_it_was() -> None:
    program = """
import numpy
before = dict(vars(numpy))
import refkernels.gluon
after = {name: value for name, value in vars(numpy).items() if name in before or name == "bool"}
print(after == before)
"""
    assert python(program) == "True\n"


def test_the_import_works_where_mxnet_came_first() -> None:
    program = """
import numpy
numpy.bool = bool
import mxnet
import refkernels.gluon
print(numpy.bool is bool)
"""
    assert python(program) == "True\n"


def test_the_blocks_need_nothing_of_what_the_import_took_back() -> None:
    program = """
import refkernels.gluon as gluon
import mxnet
print(int(gluon.MaximumMatcher(0.5)(mxnet.nd.ones((1, 2))).asscalar()))
"""
    assert python(program) == "0\n"


def test_numpy_gets_its_name_back_after_a_failure() -> None:
    before = vars(np).get("bool")
    with pytest.raises(RuntimeError, match="broken"), numpy_for_mxnet():
        raise RuntimeError("broken")
    assert vars(np).get("bool") is before


def test_a_name_that_numpy_has_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(np), "bool", np.bool_)
    with numpy_for_mxnet():
        assert np.bool is np.bool_
    assert np.bool is np.bool_


def test_where_mxnet_is_absent_the_message_names_the_command() -> None:
    assert message(before="import sys; sys.modules['mxnet'] = None") == (
        "refkernels.gluon needs MXNet 1.9.1 and NumPy below 2. MXNet is not installed. "
        f"Install it with: {COMMAND}"
    )


def test_where_distutils_is_absent_the_message_says_who_has_it(tmp_path: Path) -> None:
    text = message(fake_mxnet(tmp_path, "raise ModuleNotFoundError('no', name='distutils')"))
    assert "MXNet needs distutils, which Python 3.12 moved to the package setuptools. " in text
    assert text.endswith(f"Install it with: {COMMAND}")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise AttributeError('module numpy has no attribute PZERO')", "no attribute PZERO"),
        ("raise OSError('libmxnet.so: cannot open')", "libmxnet.so: cannot open"),
        ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'"),
    ],
)
def test_where_mxnet_does_not_import_the_message_says_why(
    tmp_path: Path, source: str, reason: str
) -> None:
    text = message(fake_mxnet(tmp_path, source))
    assert f"MXNet does not import beside NumPy {np.__version__}: " in text
    assert reason in text
    assert text.endswith(f"Install it with: {COMMAND}")


def test_the_cause_of_a_failed_import_is_kept(tmp_path: Path) -> None:
    program = """
try:
    import refkernels.gluon
except ImportError as error:
    print(repr(error.__cause__))
"""
    folder = fake_mxnet(tmp_path, "raise OSError('libmxnet.so')")
    assert python(program, folder) == "OSError('libmxnet.so')\n"
