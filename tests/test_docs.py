"""What the pages say is so: examples run, links lead somewhere, commands exist."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refkernels

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
SHOWING = [page for page in PAGES[3:] if "```pycon" in page.read_text()]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def fenced(text: str, language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S))


def run(examples: list[doctest.Example], name: str) -> doctest.TestResults:
    test = doctest.DocTest(examples, {}, name, None, None, None)
    return doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)


def readme_examples() -> tuple[list[doctest.Example], int]:
    """The README's examples, and the place of the first one that needs MXNet."""
    text = fenced((ROOT / "README.md").read_text(), "pycon")
    examples = doctest.DocTestParser().get_examples(text)
    return examples, next(i for i, example in enumerate(examples) if "gluon" in example.source)


def test_the_readme_example_runs_in_numpy() -> None:
    examples, first_gluon = readme_examples()
    assert run(examples[:first_gluon], "README.md") == doctest.TestResults(0, first_gluon)


@pytest.mark.usefixtures("mx")
def test_the_readme_example_runs_in_mxnet() -> None:
    examples, _ = readme_examples()
    assert run(examples, "README.md").failed == 0


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page: Path) -> None:
    examples = doctest.DocTestParser().get_examples(fenced(page.read_text(), "pycon"))
    assert run(examples, page.name) == doctest.TestResults(0, len(examples))


def test_the_readme_shows_what_check_prints(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    text = (ROOT / "README.md").read_text()
    (tmp_path / "my").mkdir()
    (block,) = re.findall(r"^```python\n(# my/blocks.py\n.*?)^```$", text, re.M | re.S)
    (tmp_path / "my" / "blocks.py").write_text(block)
    _, _, session = fenced(text, "console").partition("$ refkernels check my.blocks")
    arguments, *shown = session.partition("\n\n")[0].splitlines()
    run = subprocess.run(
        [sys.executable, "-m", "refkernels", "check", "my.blocks", *arguments.split()],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "100", "PYTHONPATH": f"{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    printed = [line.rstrip() for line in run.stdout.splitlines()]
    assert not [line for line in shown if line not in printed]


def test_the_readme_shows_a_call_of_the_audit_of_torchvision() -> None:
    session = fenced((ROOT / "README.md").read_text(), "console")
    call = re.search(r"^import torch\nfrom torchvision.*?^print\(.*?$", session, re.M | re.S)
    assert call is not None
    assert call.group() in (ROOT / "docs" / "peers" / "torchvision.md").read_text()


@each_page
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    inside = [link for link in links if not link.startswith("https://")]
    assert not [link for link in inside if not (page.parent / link).exists()]


@each_page
def test_no_page_has_a_word_that_something_was_to_replace(page: Path) -> None:
    alone = re.findall(
        r"^[A-Z_]{4,}$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M
    )
    assert not alone


@each_page
def test_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    text = page.read_text()
    code = "\n".join([fenced(text, "console"), *re.findall(r"`([^`\n]+)`", text)])
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets


@each_page
def test_pages_name_modules_that_exist(page: Path) -> None:
    named = re.findall(r"`(refkernels/[\w/]+\.py)`", page.read_text())
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_specification_has_a_row_for_every_operator() -> None:
    lines = (ROOT / "docs" / "spec.md").read_text().splitlines()
    said = " ".join(line for line in lines if line.startswith(("| `", "**`")))
    assert not [name for name in refkernels.__all__ if name != "warmup" and f"`{name}" not in said]


def test_the_changelog_has_this_version_or_is_ahead_of_it() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] in ("Unreleased", refkernels.__version__)


def test_every_family_and_room_of_bounds_has_its_reference() -> None:
    text = (ROOT / "docs" / "reference" / "index.md").read_text()
    listed = set(re.findall(r"^   refkernels\.([\w.]+)$", text, re.M))
    families = {
        getattr(refkernels, name).__module__.split(".")[1] for name in refkernels.__all__[1:]
    }
    assert families <= listed
    bounds = {f"bounds.{path.stem}" for path in (ROOT / "refkernels" / "bounds").glob("[!_]*.py")}
    assert {name for name in listed if name.startswith("bounds.")} == bounds
