"""Reports for programs: JSON and JUnit, whole or not at all, whatever the target did."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

from refkernels.cli.main import main
from refkernels.conformance import command
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.verdict import VERDICTS
from refkernels.conformance.peers.opening import declared
from refkernels.conformance.report.console import LiveReport, print_results
from refkernels.conformance.report.junit import as_junit
from refkernels.conformance.report.summary import as_json, gathered, write

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

TARGETS = Path(__file__).parent / "targets"
DOCS = Path(__file__).parents[2] / "docs" / "checking.md"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


@pytest.fixture
def content(summary):
    text = as_json(summary)
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_json_says_what_was_checked_and_what_came_of_it(content):
    assert content["format"] == 1
    assert content["target"] == "my.blocks<b>"
    assert content["finished"] == "2024-05-17T12:30:01+00:00"
    assert content["exit_status"] == 2
    assert content["counts"] == {
        "diverges": 2,
        "raises": 1,
        "breaks a law": 1,
        "crashes": 1,
        "conforms": 1,
        "known": 1,
        "absent": 1,
        "no import": 1,
    }
    assert content["options"]["max_examples"] == 100
    assert {"refkernels", "numpy", "numba", "hypothesis"} <= set(content["versions"])


def test_json_has_the_inputs_of_a_counterexample(content):
    (dissent,) = content["operators"][0]["dissents"]
    case = dissent["case"]
    assert case["config"] == {"fmt": "corner"}
    assert case["inputs"]["a"] == {
        "dtype": "float64",
        "shape": [2, 4],
        "values": [[0, 0, 10, 10], [5, 5, 15, 15]],
    }


def test_json_can_be_read_back(summary, content):
    names = set(Result("BBoxArea", "conforms").as_json()) - {"known", "accepted", "calls"}
    for operator, result in zip(content["operators"], summary.results, strict=True):
        again = Result.from_json({name: operator[name] for name in names})
        assert again.verdict == result.verdict
        assert again.dissents == result.dissents


@pytest.fixture
def known(summary):
    """A check that met one of two declared divergences, and can show it."""
    one, other = declared("gluoncv.data", "SplitSampler")
    accepted = {divergence.id: divergence.why for divergence in (one, other)}
    calls = {one.id: "print(SplitSampler(5, 2))"}
    result = Result("SplitSampler", "known", known={one.id: 7}, accepted=accepted, calls=calls)
    return replace(summary, target="gluoncv.data", results=[result])


def test_json_gives_all_known_divergences_with_their_reason_met_or_not(known):
    one, other = declared("gluoncv.data", "SplitSampler")
    (operator,) = json.loads(as_json(known))["operators"]
    assert operator["known"] == [
        {"id": one.id, "why": one.why, "cases": 7, "call": "print(SplitSampler(5, 2))"},
        {"id": other.id, "why": other.why, "cases": 0, "call": ""},
    ]


def printed(summary, detail=0, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_results(console, summary, detail)
    return console.file.getvalue()


def test_the_console_shows_a_call_of_a_known_divergence_and_says_who_shows_the_others(known):
    hint = "-v and --html show a call of each"
    assert "\nprint(SplitSampler(5, 2))\n" in printed(known)
    assert hint not in printed(known)
    (one,) = known.results
    four = {f"GCV-00{n}": f"print({n})" for n in range(4)}
    more = replace(known, results=[replace(one, accepted=four, calls=four)])
    assert "print(3)" not in printed(more).splitlines()
    assert hint in printed(more)
    assert "print(3)" in printed(more, detail=1).splitlines()
    assert hint not in printed(more, detail=1)


def test_what_is_absent_takes_one_line_unless_all_is_asked_for(known):
    absent = [Result(f"Operator{i}", "absent", note="not there") for i in range(40)]
    summary = replace(known, results=[*known.results, *absent])
    assert "\nabsent: 40 others (-v names them)\n" in printed(summary)
    assert "Operator39" in printed(summary, detail=1)


def test_objects_are_named_without_their_module_where_that_is_enough(known):
    (one,) = known.results
    scope = {"scope": "up to 2x2"}
    ours = replace(one, operator="NMS", place="my.ops:nms", **scope)
    others = [replace(ours, operator="BBoxArea", place=f"{at}:area") for at in ("a", "b")]
    whole = replace(ours, operator="BBoxSplit", place="refkernels:*")
    text = printed(replace(known, results=[ours, *others, whole]), width=200)
    assert "up to 2x2: nms=NMS, a:area=BBoxArea, b:area=BBoxArea, BBoxSplit\n" in text


def documented(heading):
    """The fields in a table of the page about reports."""
    text = DOCS.read_text().partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    return set(re.findall(r"^\| `(\w+)`", text, re.M))


def test_every_field_of_json_is_documented(content):
    assert set(content) == documented("The report")
    assert set(content["operators"][0]) == documented("An operator")
    assert set(content["operators"][0]["dissents"][0]) == documented("A counterexample")


def test_every_verdict_is_documented():
    text = DOCS.read_text().partition("\n## Verdicts\n")[2].partition("\n## ")[0]
    said = dict(re.findall(r"^\| \*?\*?([a-z ]+?)\*?\*? \| (.+?) \|$", text, re.M))
    said.pop("verdict")
    assert said == VERDICTS


@pytest.fixture
def suite(summary):
    return ElementTree.fromstring(as_junit(summary).encode())[0]


def test_junit_has_a_case_for_each_operator(suite, summary):
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [r.operator for r in summary.results]
    assert cases[0].get("classname") == "my.blocks<b>.bbox"
    assert cases[0].get("time") == "1.250"


def test_junit_tells_failures_from_errors_and_what_is_not_there(suite):
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "9",
        "failures": "4",
        "errors": "2",
        "skipped": "1",
    }
    assert {case.get("name") for case in suite if case.find("failure") is not None} == {
        "BBoxBatchIOU",
        "MaximumMatcher",
        "CompositeMatcher",
        "QuotaSampler",
    }
    assert {case.get("name") for case in suite if case.find("error") is not None} == {
        "BipartiteMatcher",
        "OHEMSampler",
    }


def test_junit_carries_the_call(suite):
    failure = suite.find("testcase/failure")
    assert failure.get("type") == "diverges"
    assert failure.get("message") == "ious[0, 0] is 1, expected 0"
    assert "a = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 15.0, 15.0]]" in failure.text


def test_junit_is_xml_whatever_the_target_says(suite):
    case = next(case for case in suite if case.get("name") == "CompositeMatcher")
    said = case.find("failure").get("message")
    assert said.startswith("<script>alert('x')</script> &")
    assert "\\x00\\x1b[31m \\ud800" in said


@pytest.mark.parametrize("name", ["report.json", "a report.xml", "réport.html"])
def test_a_report_is_there_when_it_is_whole(tmp_path, name):
    write(tmp_path / name, "half a surrogate pair: \ud800")
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "half a surrogate pair: \\ud800"


def test_an_older_report_stays_if_the_new_one_fails(tmp_path, monkeypatch):
    def full(self, *arguments, **keywords):
        self.touch()
        raise OSError(28, "No space left on device")

    (tmp_path / "report").write_text("older")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            write(tmp_path / "report", "newer")
    assert (tmp_path / "report").read_text() == "older"
    assert len(list(tmp_path.iterdir())) == 1


def test_reports_are_written_when_operators_crash(tmp_path):
    names = ["BipartiteMatcher", "BBoxSplit", "NaiveSampler", "BBoxBatchIOU"]
    operators = [part for name in names for part in ("--operator", name)]
    result = run("wrong", *operators, "--max-examples", 5, "--json", "r.json", "--junit", "r.xml")
    assert result.exit_code == 1, result.output
    verdicts = {
        o["operator"]: o["verdict"] for o in json.loads(Path("r.json").read_text())["operators"]
    }
    assert verdicts == dict(zip(names, ["crashes", "exits", "conforms", "absent"], strict=True))
    assert ElementTree.parse("r.xml").getroot().get("errors") == "2"


def test_a_terminal_sees_what_is_going_on_while_it_is(summary):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    result = replace(summary.results[0], contexts=("cpu(0)", "gpu(0)"))
    with LiveReport(console, [result.operator, "BBoxArea"]) as live:
        live.on_event("BBoxArea", 3, None)
        live.on_event(result.operator, 9, result)
    said = screen.getvalue()
    for part in ("1 of 2 operators", "BBoxArea 3", "contexts", "gpu(0)", "diverges"):
        assert part in said


@pytest.mark.parametrize(("target", "verdict"), [("nowhere", "no import"), ("json", "absent")])
def test_reports_are_written_when_there_is_nothing_to_check(target, verdict):
    result = run(target, "--operator", "BBoxArea", "--json", "r.json", "--html", "r.html")
    assert result.exit_code == 2
    content = json.loads(Path("r.json").read_text())
    assert content["operators"][0]["verdict"] == verdict
    assert content["exit_status"] == 2
    assert verdict in Path("r.html").read_text()


def test_a_folder_that_is_not_there_is_said_before_anything_is_run(monkeypatch):
    monkeypatch.setattr(command.workers, "check", lambda *a, **k: pytest.fail("it was run"))
    result = run("faithful", "--json", "nowhere/r.json")
    assert result.exit_code == 2
    assert result.output.strip() == (
        "refkernels: cannot write nowhere/r.json: there is no folder nowhere"
    )


def test_what_is_not_installed_is_said_before_anything_is_run(monkeypatch):
    monkeypatch.setattr(command.workers, "check", lambda *a, **k: pytest.fail("it was run"))

    def missing(name):
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")

    monkeypatch.setattr(command, "import_module", missing)
    result = run("faithful", "--html", "r.html")
    assert result.exit_code == 2
    assert "--html needs jinja2; install it with" in result.output


def test_one_report_that_cannot_be_written_costs_no_other(monkeypatch, summary):
    def found(*arguments, **keywords):
        return summary.results[:2]

    def full(path, text):
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(command.workers, "check", found)
    monkeypatch.setattr(command, "write", full)
    result = run("faithful", "--json", "r.json", "--junit", "r.xml")
    assert result.exit_code == 2
    assert "refkernels: cannot write r.json: No space left on device" in result.output
    assert Path("r.xml").exists()


AREA = """
class BBoxArea:
    def __call__(self, x):
        sides = x[..., 2:] - x[..., :2]
        return sides[..., :1] * sides[..., 1:] + 1
"""


def test_one_counterexample_in_several_dtypes_is_told_once(monkeypatch):
    Path("one_more.py").write_text(AREA)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    few = ("--operator", "BBoxArea", "--max-examples", 2)
    done = run("one_more", *few, "--json", "r.json", "--html", "r.html")
    assert done.exit_code == 1
    told = done.output
    assert told.count("dissents") == told.count("again with:") == told.count("import numpy") == 1
    assert "\nlikewise in float32, float64, int64\n" in told
    whole = json.loads(Path("r.json").read_text())["operators"][0]["dissents"]
    assert [own["dtype"] for own in whole] == ["float16", "float32", "float64", "int64"]
    page = Path("r.html").read_text()
    assert page.count('<details class="counterexample"') == 1
    assert "; likewise in float32, float64, int64</p>" in page


def test_what_differs_otherwise_is_told_apart(summary):
    own = Dissent("target", "diverges", "off", "float32", "call", "cpu", "print(1)", "drawn")
    others = [
        replace(own, dtype="float64"),
        replace(own, dtype="float16", kind="raises"),
        replace(own, dtype="int64", mode="strided"),
        replace(own, dtype="uint8", paste="print(2)"),
    ]
    found = gathered([own, *others])
    assert [likewise for _, likewise in found] == [["float64"], [], [], []]


def test_the_terminal_takes_what_the_target_says(monkeypatch, summary):
    """Not even half a surrogate pair, which no terminal can show, ends the report."""
    hostile = Dissent("target", "raises", "\\ud800", "float32", "call", "cpu", "", "")
    assert str(hostile)
    (tmp := Path("odd.py")).write_text(
        "class BBoxArea:\n"
        "    def __call__(self, x):\n"
        "        print('\\x1b[31mred')\n"
        "        raise ValueError('[bold]\\x1b[31m \\ud800')\n"
    )
    monkeypatch.syspath_prepend(str(tmp.parent.absolute()))
    result = run("odd", "--operator", "BBoxArea", "--max-examples", 2)
    assert result.exit_code == 1, result.output
    assert "raises ValueError: [bold]\\x1b[31m \\ud800" in result.output
    assert "prints: '\\\\x1b[31mred'" in result.output
