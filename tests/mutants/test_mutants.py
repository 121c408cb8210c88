import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from refkernels.conformance.cases import operators
from tests.mutants.affected import OPERATORS, affected, file_of_operator
from tests.mutants.by_hand import MUTANTS
from tests.mutants.equivalents import EQUIVALENTS, why_equivalent
from tests.mutants.mutant import FAMILIES, OPERATOR_FILES, PACKAGE, Mutant, source

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_exactly_once_to_the_source_of_today_and_compiles(mutant: Mutant) -> None:
    changed = mutant.apply()
    assert changed != source(mutant.file)
    compile(changed, mutant.file, "exec")


def test_there_are_at_least_80_in_every_family_and_each_is_another_one() -> None:
    assert len(MUTANTS) >= 80
    assert {mutant.family for mutant in MUTANTS} == set(FAMILIES)
    assert len({(mutant.file, mutant.apply()) for mutant in MUTANTS}) == len(MUTANTS)


def test_one_in_ten_at_most_is_declared_equivalent() -> None:
    assert sum(bool(mutant.equivalent) for mutant in MUTANTS) <= len(MUTANTS) / 10


def test_every_declaration_of_a_generated_mutant_is_of_one_and_has_an_argument(mx: Any) -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutants.generated import generate

    changes = [mutant for mutant in generate() if mutant.equivalent]
    reasons = {mutant.equivalent for mutant in changes}
    assert reasons == {entry.why for entry in EQUIVALENTS if entry.file not in OPERATOR_FILES}
    assert all(" " in reason for reason in reasons)


def test_a_declaration_holds_for_its_own_change_of_its_own_file_alone() -> None:
    before = "wide[0] if len(wide) == 1 else wide"
    assert why_equivalent("precision.py", before, before.replace("[0]", "[ -1]"))
    assert not why_equivalent("precision.py", before, before.replace("[0]", "[ 1]"))
    assert not why_equivalent("rows.py", before, before.replace("[0]", "[ -1]"))


def test_a_mutant_whose_text_is_gone_says_so() -> None:
    gone = Mutant("bbox.py", "no such text", "", "kind", "meaning")
    with pytest.raises(ValueError, match="expected the text 'no such text' exactly once, found it"):
        gone.apply()


def test_the_check_kills_mutants_and_says_how_many(mx: Any, tmp_path: Path) -> None:
    # A process of its own: MXNet has started threads here, which do not survive a fork.
    command = [sys.executable, "-m", "tests.mutants", "--source", "by hand"]
    run = subprocess.run(
        [*command, "--match", "boxes end at the last pixel", "--match", "a match with column 0"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 of 2 killed" in run.stdout
    assert not list(tmp_path.iterdir())


def test_every_numpy_operator_without_a_block_is_mutated() -> None:
    single = {name for name, own in operators().items() if own.needs == (name,)}
    assert set(OPERATORS) == {name for name in single if not operators()[name].has_block}
    assert {file_of_operator(name) for name in OPERATORS} < set(OPERATOR_FILES)


def test_no_file_of_an_operator_is_named_like_one_of_a_block() -> None:
    assert not [file for file in OPERATOR_FILES if (PACKAGE / file).exists()]


def test_a_change_to_what_operators_share_is_held_to_all_of_them() -> None:
    shared = Mutant("matcher/selection.py", "value > low", "value >= low", "comparison")
    assert affected(shared) == ["ATSSMatcher", "SimOTAMatcher", "TaskAlignedMatcher"]
    own = Mutant("matcher/atss.py", "topk: int = 9", "topk: int = 8", "number")
    assert affected(own) == ["ATSSMatcher"]


def test_no_check_of_an_operators_input_is_mutated() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutants.generated import generate

    changed = [mutant.name.partition(" -> ")[0] for mutant in generate("operators", ["anchor"])]
    assert any("real(row) + offset" in name for name in changed)
    assert not [n for n in changed if "raise" in n or "require(" in n or "check_" in n]


def test_what_runs_for_the_parameter_out_alone_is_not_mutated() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutants.generated import _called_lines

    lines = source("bbox/pairs.py").splitlines()
    changed = [lines[i - 1].strip() for i in sorted(_called_lines("bbox/pairs.py"))]
    assert "if out is None:" in changed
    assert "own = shape if self.batched else shape[1:]" not in changed
    assert "out[...] = result.reshape(out.shape)" not in changed


@pytest.mark.parametrize("entry", [e for e in EQUIVALENTS if e.file in OPERATOR_FILES], ids=str)
def test_what_is_declared_of_an_operator_is_in_its_source(entry: Any) -> None:
    assert entry.old in source(entry.file)
    assert " " in entry.why


def test_an_operators_mutants_are_killed_and_its_own_copy_is_not(tmp_path: Path) -> None:
    script = """
from tests.mutants.mutant import Mutant
from tests.mutants.run import judge

old = "real = out.dtype.type"
changes = (old + "  # the same", "pass", "real = (lambda x: out.dtype.type(x + 1))")
mutants = [Mutant("anchor/grid.py", old + chr(10), new + chr(10), "copy") for new in changes]
for fate in sorted(judge(mutants, (), workers=1, max_examples=20), key=lambda f: f.mutant.new):
    print(fate.mutant.new.strip(), "|", fate.how)
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.stdout.splitlines() == [
        "pass | raises",
        "real = (lambda x: out.dtype.type(x + 1)) | diverges",
        "real = out.dtype.type  # the same | ",
    ], run.stdout + run.stderr
