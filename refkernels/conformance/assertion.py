"""For tests: what an operator is held to, as one assertion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from refkernels.conformance.cases import find
from refkernels.conformance.engine.run import ALL_DTYPES, Options, Result, check_operator
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import Case, Recipe
from refkernels.conformance.model.verdict import VERDICTS, failed
from refkernels.conformance.process.witness import conforms_elsewhere
from refkernels.conformance.targets.offering import Offers
from refkernels.conformance.targets.representation import Representation
from refkernels.conformance.targets.subject import Subject

__all__ = ["account", "assert_conforms"]


def assert_conforms(
    subject: Any,
    operator: str,
    *,
    config: Mapping[str, Any] | None = None,
    dtypes: Sequence[str] = ALL_DTYPES,
    max_examples: int = 100,
    seed: int = 0,
    contexts: Sequence[str] = (),
    strict: bool = False,
    divergences: Collection[Divergence] = (),
    offers: Offers | None = None,
    representation: Representation | None = None,
    keep_going: bool = False,
) -> Result:
    """Assert that code of your own does what an operator does.

    It is run, in this process, on cases that are drawn, in every mode and context there is.

    Parameters
    ----------
    subject : class or callable
        A class that is built with the operator's parameters; a function, which takes the inputs and
        then those of the parameters that it names as keywords; or an object that is built already
        and is called on arrays.
    operator : str
        The name of the operator it is held to, such as ``"BipartiteMatcher"``.
    config : mapping, optional
        The parameters: all cases are drawn for these. A class is built with them, a function is
        given those that it names, and an object is taken to have been built with them. By default
        parameters of every sort are tried, but for those that a function does not name, and those
        of an object, which are the operator's defaults.
    dtypes : sequence of str
        Of float16, float32 and float64, and of int32, int64 and uint8, which stand for reals; those
        that the operator is not defined in are left out, and so are integers that the code refuses.
    max_examples : int
        How many cases are drawn; each is run in every dtype.
    seed : int
        What is drawn depends on it and the operator's name alone.
    contexts : sequence of str
        Restrict to these, such as ``"gpu(0)"``; empty for every one found.
    strict : bool
        Whether to report declared divergences too.
    divergences : collection of Divergence
        Differences that you accept. Each has a witness, which must still differ.
    offers : Offers, optional
        What the code offers (`offers`): outside of it nothing is run.
    representation : Representation, optional
        How the code writes what the operator takes and gives, where that differs.
    keep_going : bool
        Whether to show several counterexamples that differ, and not only the first of each dtype.

    Returns
    -------
    Result
        What was tried, and in `untried` what was not, and why.

    Raises
    ------
    AssertionError
        If a case is found in which it differs; the message has the smallest one, as Python.
    TypeError
        If the subject is not callable, or a parameter is of a wrong type.
    ValueError
        If there is no such operator, dtype or context, or a parameter is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels.conformance import assert_conforms
    >>> def area(boxes):
    ...     width, height = boxes[..., 2:3] - boxes[..., :1], boxes[..., 3:] - boxes[..., 1:2]
    ...     return width * height
    >>> try:
    ...     assert_conforms(area, "BBoxArea", dtypes=["float32"])
    ... except AssertionError as error:
    ...     print(str(error).splitlines()[0].partition(" is 1.0")[0])
    area is no BBoxArea: target dissents (float32, call, cpu): areas[0, 0]
    """
    __tracebackhide__ = True
    spec = find(operator)
    if spec.needs != (operator,):
        raise ValueError(f"{operator} is a chain of operators; check the module that they are in")
    target = Subject(subject, operator, representation or Representation())
    target.require_called_on_arrays()
    unknown = [dtype for dtype in dtypes if dtype not in ALL_DTYPES]
    if unknown or not dtypes:
        raise ValueError(f"dtypes is {list(dtypes)}, expected some of {', '.join(ALL_DTYPES)}")
    lacking = [name for name in spec.required if not target.has_parameter(operator)(name)]
    if config is None and lacking:
        raise TypeError(
            f"config: {target.own_name} does not take {lacking[0]!r}; say what it is, or its name "
            f"there: representation=Representation(parameters={{{lacking[0]!r}: '...'}})"
        )
    if config is not None:
        config = {name: _recipe(value) for name, value in config.items()}
        _require_parameters(operator, config)
    tried = tuple(dtypes), tuple(contexts), strict, (), keep_going
    result = check_operator(
        spec.name,
        target,
        Options(max_examples, seed, *tried),
        config=config,
        divergences=divergences,
        offers=offers,
        elsewhere=conforms_elsewhere,
    )
    if failed(result.verdict):
        raise AssertionError(f"{target.own_name} is no {operator}: {account(result)}")
    if result.verdict not in ("conforms", "known") and not result.untried:
        raise ValueError(result.note)
    return result


def account(result: Result) -> str:
    """Return what is to be said of an operator that fails: each difference, and Python for it."""
    said = [f"{dissent}\n\n{dissent.paste}\n" for dissent in result.dissents]
    return "\n".join(said) or result.note or VERDICTS[result.verdict]


def _require_parameters(operator: str, config: Mapping[str, Any]) -> None:
    """Raise what the operator raises for parameters that are none."""
    try:
        find(operator).build(Case(config, {}))
    except (TypeError, ValueError) as error:
        raise type(error)(f"config: {error}") from None


def _recipe(value: Any) -> Any:
    """Return a parameter with the operators in it as what they are built from."""
    import refkernels

    if isinstance(value, (list, tuple)):
        items = [_recipe(item) for item in value]
        return items if any(isinstance(item, Recipe) for item in items) else value
    if not is_dataclass(value) or getattr(refkernels, type(value).__name__, None) is not type(
        value
    ):
        return value  # also a recipe, which is none of the operators
    config = {field.name: _recipe(getattr(value, field.name)) for field in fields(value)}
    return Recipe(type(value).__name__, config)
