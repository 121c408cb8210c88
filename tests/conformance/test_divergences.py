"""Declared divergences: each is still there, each stops where it says, and none is stale."""

import random
import re
from importlib import import_module, util
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

import refkernels
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.engine.stale import find_stale
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import INTEGERS
from refkernels.conformance.model.verdict import failed
from refkernels.conformance.peers.gluoncv import DIVERGENCES
from refkernels.conformance.peers.opening import declared
from refkernels.conformance.process.witness import conforms_elsewhere
from refkernels.conformance.targets.subject import Subject
from refkernels.conformance.targets.target import Target

ROOT = Path(__file__).parents[2]
OPERATORS = list(dict.fromkeys(divergence.operator for divergence in DIVERGENCES))
each_operator = pytest.mark.parametrize("operator", OPERATORS)
each_divergence = pytest.mark.parametrize("divergence", DIVERGENCES, ids=lambda d: d.id)


@pytest.fixture
def target(operator: str) -> Target:
    if util.find_spec("gluoncv") is None:
        pytest.skip("gluoncv is not installed")
    pytest.importorskip("refkernels.gluon.compat").import_mxnet()
    return Target("gluoncv.data" if operator.startswith("Split") else "gluoncv.nn")


def test_ids_are_unique_and_of_one_form() -> None:
    ids = [divergence.id for divergence in DIVERGENCES]
    assert len(set(ids)) == len(ids)
    assert not [id for id in ids if not re.fullmatch(r"GCV-\d{3}", id)]


@each_divergence
def test_a_declaration_says_in_sentences_what_happens(divergence: Divergence) -> None:
    assert re.fullmatch(r"[\w-].*\.", divergence.why)


@each_divergence
def test_a_divergence_covers_its_witness_in_the_dtype_it_names(divergence: Divergence) -> None:
    assert divergence.dtype in (*find(divergence.operator).dtypes, *INTEGERS)
    assert divergence.when(divergence.witness.astype(np.dtype(divergence.dtype)))


@each_operator
def test_some_ordinary_case_is_covered_by_no_divergence(operator: str) -> None:
    own = [divergence for divergence in DIVERGENCES if divergence.operator == operator]
    dtypes = [np.dtype(dtype) for dtype in find(operator).dtypes]
    hypothesis.find(  # raises NoSuchExample
        find(operator).cases(),
        lambda case: any(not any(d.when(case.astype(t)) for d in own) for t in dtypes),
        settings=settings(
            max_examples=500,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
        random=random.Random(0),
    )


@each_operator
def test_every_witness_still_fails_on_gluoncv(operator: str, target: Target) -> None:
    examiner = Examiner(find(operator), target, (), declared(target.module, operator))
    stale = find_stale(examiner, conforms_elsewhere)
    assert stale is None, stale.what


# Its custom operator runs image by image in Python, so that its lots take minutes.
@pytest.mark.parametrize("operator", [own for own in OPERATORS if own != "QuotaSamplerProp"])
def test_gluoncv_conforms_outside_of_what_is_declared(operator: str, target: Target) -> None:
    result = check_operator(operator, target, Options(max_examples=5, dtypes=("float32",)))
    assert result.verdict in ("known", "conforms"), result.dissents


AREA = witness(x=[[0, 0, 1, 1]])
GONE = [
    (lambda case: True, "X-001 is stale: its witness conforms"),
    (lambda case: False, "X-001 does not cover its own witness"),
]


@pytest.mark.parametrize(("when", "said"), GONE)
def test_a_declaration_of_what_is_not_there_fails(monkeypatch, when, said) -> None:
    declaration = Divergence("X-001", "BBoxArea", "Areas are wrong.", when, AREA)
    run = import_module("refkernels.conformance.engine.run")
    monkeypatch.setattr(run, "declared", lambda *of_what: (declaration,))
    subject = Subject(refkernels.BBoxArea, "BBoxArea")
    result = check_operator("BBoxArea", subject, Options(max_examples=2))
    assert (result.verdict, failed(result.verdict)) == ("stale", True)
    assert [dissent.what for dissent in result.dissents] == [said]


def test_the_page_is_what_the_declarations_say() -> None:
    page = import_module("tests.gluoncv_divergences.__main__").page()
    told = (ROOT / "docs" / "gluoncv-divergences.md").read_text()
    assert told == page, "run: python -m tests.gluoncv_divergences"
