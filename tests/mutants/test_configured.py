"""How a mutant is judged under fixed configurations; what checks it is stood in for."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.mutants.configurations import configurations

# What is mutated are blocks.
run = pytest.importorskip("tests.mutants.run", reason="blocks need MXNet", exc_type=ImportError)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that judges MaximumMatcher, given what each check answers."""

    def judge(answer: Any, *, configs: int = 3, budget: int = 60) -> tuple[Any, list[Any]]:
        asked = []

        def checked(operator, target, options, images, config):
            asked.append((config["threshold"], options.max_examples))
            return answer(config, options.max_examples)

        monkeypatch.setattr(run, "_checked", checked)
        monkeypatch.setattr(run, "Target", lambda name: name)
        plan = run._Plan(configs, budget, 100)
        return run._first_failure_configured(
            "mutant", ["MaximumMatcher", "SSDTargets"], plan
        ), asked

    return judge


def verdict(name: str) -> Any:
    return SimpleNamespace(verdict=name, note=name, not_offered={}), {}


def test_each_configuration_is_tried_on_few_cases_before_any_is_on_all(judged: Any) -> None:
    fate, asked = judged(lambda config, examples: verdict("conforms"))
    drawn = [config["threshold"] for config in configurations("MaximumMatcher", 3)]
    assert asked == [(t, 10) for t in drawn] + [(t, 100) for t in drawn]
    assert fate == {"survived": 3, "untried": 0, "broken": ""}


def test_the_first_that_differs_ends_it_and_is_named(judged: Any) -> None:
    last = configurations("MaximumMatcher", 3)[-1]
    killed = None, {"how": "diverges", "operator": "MaximumMatcher"}
    fate, asked = judged(lambda config, _: killed if config == last else verdict("conforms"))
    assert len(asked) == 3
    assert fate["how"] == "diverges"
    assert fate["config"] == f"MaximumMatcher({dict(last)})"


def test_one_that_no_case_can_be_drawn_for_kills_nothing(judged: Any) -> None:
    fate, _ = judged(lambda config, examples: verdict("error"))
    assert fate == {"survived": 0, "untried": 3, "broken": ""}


def test_a_check_that_stops_with_an_error_is_told_and_kills_nothing(judged: Any) -> None:
    def stop(config, examples):
        raise OverflowError("too large")

    fate, asked = judged(stop)
    assert len(asked) == 6
    assert "OverflowError: too large" in fate["broken"]
    assert "how" not in fate


def test_a_mutant_whose_time_is_up_survives(judged: Any) -> None:
    fate, asked = judged(lambda config, examples: verdict("conforms"), budget=-1)
    assert not asked
    assert fate["survived"] == 0
