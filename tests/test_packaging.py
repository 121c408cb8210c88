"""What is installed is what is meant: one version, two dependencies, the rest in extras."""

import importlib.metadata
import re
import subprocess
import sys

import pytest

import refkernels


@pytest.fixture(scope="module")
def metadata() -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution("refkernels")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("refkernels is imported from its folder, not installed")


def required(metadata: importlib.metadata.Distribution, extra: str | None = None) -> set[str]:
    """The names that an installation with this extra alone asks for."""
    names = set()
    for line in metadata.requires or ():
        requirement, _, marker = line.partition(";")
        of_extra = re.search(r"""extra == ["'](\w+)["']""", marker)
        if (of_extra.group(1) if of_extra else None) == extra:
            names.add(re.match(r"[\w.-]+(\[[\w,]+\])?", requirement).group())
    return names


def test_the_version_is_that_of_the_package(metadata) -> None:
    assert metadata.version == refkernels.__version__


def test_the_core_needs_numpy_and_numba_only(metadata) -> None:
    assert required(metadata) == {"numpy", "numba"}


def test_extras_are_named_for_what_they_let_you_do(metadata) -> None:
    extras = set(metadata.metadata.get_all("Provides-Extra"))
    of_users = {"all", "assign", "check", "dask", "mxnet", "survey", "viz"}
    assert extras == of_users | {"docs", "gluoncv", "mutants", "test"}


def test_all_is_every_extra_of_a_user(metadata) -> None:
    (requirement,) = required(metadata, "all")
    extras = set(re.findall(r"\w+", requirement)) - {"refkernels"}
    assert extras == {"assign", "check", "dask", "mxnet", "survey", "viz"}


def test_the_package_says_that_it_is_typed() -> None:
    from importlib.resources import files

    assert (files("refkernels") / "py.typed").is_file()


@pytest.mark.usefixtures("metadata")
def test_the_command_is_installed() -> None:
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="refkernels")
    assert command.value == "refkernels.cli.main:main"


def test_the_command_says_what_it_can_do() -> None:
    code = "from refkernels.cli.main import main; main(['--help'])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "check" in run.stdout
