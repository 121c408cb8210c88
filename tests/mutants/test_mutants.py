import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.by_hand import MUTANTS
from tests.mutants.equivalents import EQUIVALENTS, why_equivalent
from tests.mutants.mutant import FAMILIES, Mutant, source

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


def test_every_declaration_of_a_generated_mutant_is_of_one_and_has_an_argument() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutants.generated import generate

    changes = [mutant for mutant in generate() if mutant.equivalent]
    reasons = {mutant.equivalent for mutant in changes}
    assert reasons == {entry.why for entry in EQUIVALENTS}
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
