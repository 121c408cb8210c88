"""The pytest plugin: ``pytest --refkernels-target my.blocks`` and ``@pytest.mark.refkernels``.

It is loaded in every run of pytest where refkernels is installed, so it imports what it needs only
when it is used.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from refkernels.conformance.engine.run import Options, Result
    from refkernels.conformance.process.supervisor import Checker

__all__: list[str] = []

MARKER = "refkernels"
DTYPE = "refkernels_dtype"

# Parameters of the marker beside the operator's name: those of `assert_conforms`.
KEYWORDS = {
    "config",
    "contexts",
    "divergences",
    "dtypes",
    "keep_going",
    "max_examples",
    "offers",
    "representation",
    "seed",
    "strict",
}

# The one test of all the integer dtypes.
WHOLE = "integers"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("refkernels", "conformance to refkernels")
    group.addoption(
        "--refkernels-target",
        action="append",
        default=[],
        metavar="MODULE",
        help="Hold this module's operators to refkernels: a test for each operator and dtype.",
    )
    group.addoption(
        "--refkernels-max-examples",
        type=int,
        default=100,
        metavar="N",
        help="Cases drawn in each of these tests (default: 100).",
    )
    group.addoption(
        "--refkernels-seed", type=int, default=0, metavar="N", help="What to draw (default: 0)."
    )
    group.addoption(
        "--refkernels-time-limit",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="A call of a target that takes longer hangs (default: 120).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(operator, config=None, max_examples=100, ...): the test returns what is to "
        "conform to this operator of refkernels; further parameters are those of assert_conforms.",
    )


# Before the hook that deselects by -k and -m, for these tests are selected like any other.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the tests of the targets."""
    for name in session.config.getoption("refkernels_target"):
        target = ConformanceTarget.from_parent(session, name=name, nodeid=name)
        target.find()
        items.extend(session.genitems(target))  # with all that pytest tells others of it
    session.testscollected = len(items)


class ConformanceTarget(pytest.Collector):
    """A module under test, checked in a process of its own."""

    checker: "Checker"
    names: list[str]

    def find(self) -> None:
        """Import the target and find its operators.

        Raises
        ------
        pytest.UsageError
            If it does not import, or has no operator.
        """
        try:
            from refkernels.conformance.cases import operators
            from refkernels.conformance.process.supervisor import Checker
            from refkernels.conformance.targets.adapter import TargetError

            operators()  # which imports what only some of them need
        except ModuleNotFoundError as error:
            raise pytest.UsageError(
                f"--refkernels-target needs {error.name}; "
                "install it with: pip install 'refkernels[check]'"
            ) from None
        seconds = self.config.getoption("refkernels_time_limit")
        self.checker = Checker(self.name, time_limit=seconds)
        self.config.add_cleanup(self.checker.close)
        try:
            self.names = self.checker.find()
        except TargetError as error:
            raise pytest.UsageError(f"--refkernels-target: {error}") from None
        if not self.names:
            raise pytest.UsageError(f"--refkernels-target: {self.name} has no operator by its name")

    def collect(self) -> "Iterator[ConformanceTest]":
        """Make a test for each operator and dtype there is."""
        from refkernels.conformance.cases import find
        from refkernels.conformance.engine.run import Options

        option = self.config.getoption
        examples, seed = option("refkernels_max_examples"), option("refkernels_seed")
        for name in self.names:
            for dtype, dtypes in _tests_of(find(name.rpartition("=")[2])).items():
                options = Options(examples, seed, dtypes)
                test = ConformanceTest.from_parent(self, name=f"{name}[{dtype}]")
                test.ask = (self.checker, name, options)
                yield test


class ConformanceTest(pytest.Item):
    """One operator of a target in one dtype."""

    ask: "tuple[Checker, str, Options]"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_marker(MARKER)

    def runtest(self) -> None:
        """Check it, and raise what is found."""
        from refkernels.conformance.model.verdict import failed

        checker, name, options = self.ask
        result = checker.check(name, options)
        for title, text in result.remarks.items():
            self.add_report_section("call", f"the target {title}", text)
        for title, said in (("not offered", result.not_offered), ("not tried", result.untried)):
            for what, why in said.items():
                self.add_report_section("call", title, f"{what} ({why})")
        _skip_what_was_not_tried(result)
        if result.verdict == "absent" and result.untried:
            pytest.skip(result.note)
        if failed(result.verdict) or result.verdict not in ("conforms", "known"):
            raise _Found(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the counterexample and the call that shows it, without a traceback."""
        if isinstance(excinfo.value, _Found):
            from refkernels.conformance.assertion import account

            result = excinfo.value.result
            return f"{result.item} {result.verdict}: {account(result)}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return where this is reported: under the target's name."""
        return self.parent.name if self.parent else "", None, self.name


class _Found(Exception):
    """Carries a result that fails."""

    def __init__(self, result: "Result") -> None:
        super().__init__(result.verdict)
        self.result = result


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each dtype of a test that has the marker."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    operator, keywords = _parameters(marker, metafunc.definition.nodeid)
    from refkernels.conformance.cases import find

    try:
        tests = _tests_of(find(operator))
    except ValueError as error:
        _refuse(metafunc.definition.nodeid, str(error))
    if "dtypes" in keywords:
        tests = {dtype: (dtype,) for own in tests.values() for dtype in own}
        tests = {dtype: tests[dtype] for dtype in keywords["dtypes"] if dtype in tests}
    metafunc.fixturenames.append(DTYPE)
    metafunc.parametrize(DTYPE, list(tests.values()), ids=list(tests))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Hold what a test with the marker returns to the operator."""
    marker = pyfuncitem.get_closest_marker(MARKER)
    if marker is None:
        return None
    from refkernels.conformance.assertion import assert_conforms

    operator, keywords = _parameters(marker, pyfuncitem.nodeid)
    names = pyfuncitem._fixtureinfo.argnames
    subject = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    if subject is None:
        pytest.fail(f"a test marked {MARKER} returns what is to conform; this one returns None")
    dtypes = pyfuncitem.callspec.params[DTYPE]
    __tracebackhide__ = True
    result = assert_conforms(subject, operator, **{**keywords, "dtypes": dtypes})
    for title, said in (("not offered", result.not_offered), ("not tried", result.untried)):
        for what, why in said.items():
            pyfuncitem.add_report_section("call", title, f"{what} ({why})")
    _skip_what_was_not_tried(result)
    return True


def _skip_what_was_not_tried(result: "Result") -> None:
    """Skip a test of dtypes that are all refused: it has shown nothing."""
    if not result.dtypes and result.verdict in ("conforms", "known", "absent"):
        said = {**result.not_offered, **result.untried}
        pytest.skip("; ".join(f"{what} ({why})" for what, why in said.items()))


def _tests_of(operator: Any) -> dict[str, tuple[str, ...]]:
    """Return the dtypes of each test of an operator, by the test's id."""
    from refkernels.conformance.model.operator import INTEGERS

    tests: dict[str, tuple[str, ...]] = {dtype: (dtype,) for dtype in operator.dtypes}
    return {**tests, WHOLE: INTEGERS} if operator.takes_integers else tests


def _parameters(marker: pytest.Mark, where: str) -> tuple[str, Mapping[str, Any]]:
    wrong = sorted(set(marker.kwargs) - KEYWORDS)
    if len(marker.args) != 1 or not isinstance(marker.args[0], str) or wrong:
        expected = f"an operator's name and keywords of {', '.join(sorted(KEYWORDS))}"
        _refuse(where, f"the marker {MARKER} takes {expected}")
    return marker.args[0], marker.kwargs


def _refuse(where: str, why: str) -> NoReturn:
    raise pytest.UsageError(f"{where}: {why}")
