"""Where operators are found, and which framework they are of."""

import sys

import numpy as np
import pytest

import refkernels
from refkernels.conformance.model.operator import Case
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.frameworks import framework
from refkernels.conformance.targets.paste import snippet
from refkernels.conformance.targets.subject import Subject
from refkernels.conformance.targets.target import Target

BOX = np.array([[0.0, 0.0, 2.0, 3.0]])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with an operator in each of its modules, one of which does not import."""
    folder = tmp_path / "somebodys"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "__main__.py").write_text("raise SystemExit('ran')")
    (folder / "boxes.py").write_text("def BBoxArea(x, fmt='corner'): return x[..., :1]")
    (folder / "broken.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Target("somebodys")
    for name in [name for name in sys.modules if name.startswith("somebodys")]:
        del sys.modules[name]


def test_a_broken_submodule_hides_no_other_and_a_program_is_not_run(capsys, package):
    assert package.find("BBoxArea") is not None
    assert package.place_of("BBoxArea") == "somebodys.boxes"
    assert package.place_of("BBoxSplit") == "somebodys"
    said = capsys.readouterr().err
    assert "note: somebodys.broken does not import: No module named 'nowhere_to_be_found'" in said
    assert "ran" not in said


def test_a_function_takes_parameters_as_keywords(package):
    assert package.expression("BBoxArea", Case({}, {})) == "BBoxArea"
    with_parameters = package.expression("BBoxArea", Case({"fmt": "center"}, {}))
    assert with_parameters == "partial(BBoxArea, fmt='center')"
    written = snippet(package, "BBoxArea", Case({"fmt": "center"}, {"x": BOX}))
    assert written.imports == "from functools import partial\nfrom somebodys.boxes import BBoxArea"
    area = written.lines("", f"assert {written.subject}(x).shape == (1, 1)")
    exec(area, {})


def test_what_is_not_there_cannot_be_built(package):
    with pytest.raises(TargetError, match="somebodys has no BBoxSplit"):
        package.build("BBoxSplit", {})


def test_what_stands_beside_a_subject_goes_with_it_and_else_the_kernel():
    subject = Subject(MaximumMatcher, "CompositeMatcher")
    assert subject.find("MaximumMatcher") is MaximumMatcher
    assert subject.find("BipartiteMatcher") is refkernels.BipartiteMatcher
    assert subject.place_of("BipartiteMatcher").startswith("refkernels.matcher")
    assert subject.place_of("CompositeMatcher") == __name__


class MaximumMatcher:
    """Somebody's own."""


def test_the_framework_is_that_of_a_base_or_what_is_said():
    class Torch:
        """As far as its framework is asked for: its classes go back to this one."""

        __module__ = "torch.nn.modules.module"
        __qualname__ = "Module"

    class Tensors(Torch):
        pass

    assert framework(Tensors) == framework(Tensors()) == "torch"
    assert framework(MaximumMatcher) == "numpy"

    class Said(MaximumMatcher):
        __refkernels_framework__ = "jax"

    assert framework(Said()) == "jax"
    Said.__refkernels_framework__ = "tensorflow"
    with pytest.raises(
        TargetError, match="'tensorflow', expected one of: numpy, mxnet, torch, jax"
    ):
        framework(Said)
