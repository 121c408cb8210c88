"""A check as a JUnit report, which continuous integration systems show: a test case an operator."""

import re
from xml.etree import ElementTree

from refkernels.conformance.cases import find
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.verdict import UNUSABLE, VERDICTS, failed
from refkernels.conformance.report.summary import Summary, versions

__all__ = ["as_junit"]

# What XML 1.0 cannot hold, escaped or not.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# The verdicts that JUnit calls an error, not a failure: there is no result to be right or wrong.
ERRORS = UNUSABLE | {"crashes", "hangs", "exits"}


def as_junit(summary: Summary) -> str:
    """Return a summary as JUnit XML."""
    cases = [_case(summary.target, result) for result in summary.results]
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{summary.seconds:.3f}",
    }
    suites = ElementTree.Element("testsuites", {"name": "refkernels check", **totals})
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        {
            "name": _text(f"refkernels check {summary.target}"),
            **totals,
            "timestamp": summary.finished.strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {**versions(), **summary.options}.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": _text(str(value))})
    suite.extend(cases)
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(target: str, result: Result) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        {
            "classname": _text(f"{target}.{find(result.operator).family}"),
            "name": _text(result.item),
            "time": f"{result.seconds:.3f}",
        },
    )
    if result.verdict == "absent":
        ElementTree.SubElement(case, "skipped", {"message": _text(result.note)})
    elif failed(result.verdict) or result.verdict in UNUSABLE:
        first = result.dissents[0].what if result.dissents else result.note
        said = [result.note] if result.note else []
        said += [f"{dissent}\n{dissent.paste}" for dissent in result.dissents]
        kind = "error" if result.verdict in ERRORS else "failure"
        message = first or VERDICTS[result.verdict]
        found = ElementTree.SubElement(
            case, kind, {"type": result.verdict, "message": _text(message)}
        )
        found.text = _text("\n\n".join(said))
    said = [*result.remarks.values()]
    said += [f"not offered: {what} ({why})" for what, why in result.not_offered.items()]
    said += [f"not tried: {what} ({why})" for what, why in result.untried.items()]
    if said:
        out = ElementTree.SubElement(case, "system-out")
        out.text = _text("\n".join(said))
    return case


def _text(text: str) -> str:
    """Return a text in which what XML cannot hold is written out, as Python would."""
    return FORBIDDEN.sub(lambda found: ascii(found.group())[1:-1], text)
