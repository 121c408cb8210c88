"""Counts are told in English: one anchor, two anchors, one match, two matches."""

import re
from pathlib import Path

import pytest

import refkernels
from refkernels.arrays.printing import times

PACKAGE = Path(refkernels.__file__).parent

# Nouns that texts count, in the plural: after a number that may be one, `times` writes them.
COUNTED = (
    "anchors|arrays|boxes|calls|candidates|cases|classes|columns|differences|folders|ground truths|"
    "images|inputs|labels|levels|matches|modules|negatives|nodes|objects|operators|outputs|"
    "parameters|points|positives|predictions|regions|rows|shapes|tables|values"
)
# What no number of things is, or never one.
NEVER_ONE = {
    "{MOST} anchors",
    "{boxes.shape[:-1]} boxes",
    "{anchors.shape} anchors",
    "{wanted} anchors",  # a text
    "{size} objects",  # small, medium or large
    "{len(own)} operators",  # more than are named
    "{len(operators)} operators",
    "{len(work)} operators",
    "{task.completed} of {task.total} operators",
    "{task.total} operators",
    "{task.fields[rate]} images",  # a second
}
MEAN = re.compile(r":\.\df\}")


@pytest.mark.parametrize(
    ("count", "what", "told"),
    [
        (1, "ground truth", "1 ground truth"),
        (2, "ground truth", "2 ground truths"),
        (0, "box", "0 boxes"),
        (1, "match", "1 match"),
        (3, "more class", "3 more classes"),
    ],
)
def test_a_number_of_things_is_in_the_plural_unless_it_is_one(
    count: int, what: str, told: str
) -> None:
    assert times(count, what) == told


def test_large_numbers_may_have_commas() -> None:
    assert times(8732, "anchor", ",") == "8,732 anchors"


def test_no_text_counts_in_the_plural_alone() -> None:
    pattern = re.compile(r"\{[^{}]*\}(?: more| other)? (?:" + COUNTED + r")\b")
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for row, line in enumerate(path.read_text().splitlines(), 1):
            for text in pattern.findall(line):
                if not MEAN.search(text) and text not in NEVER_ONE:
                    found.append(f"{path.relative_to(PACKAGE)}:{row}: {text}")
    assert found == []
