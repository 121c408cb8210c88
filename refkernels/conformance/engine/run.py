"""Hold one operator of a target to its kernel: look for cases that dissent, then try its laws."""

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import signature
from time import perf_counter  # itself: a target may replace it where it is
from typing import Any

from refkernels.arrays.printing import times
from refkernels.conformance.cases import find
from refkernels.conformance.cases.corners import fitted_to
from refkernels.conformance.engine.examine import Examiner, Moment
from refkernels.conformance.engine.exhaust import exhaust
from refkernels.conformance.engine.not_a_number import remarks_on_nan
from refkernels.conformance.engine.offered import BATCHES, find_lacking, in_one_form
from refkernels.conformance.engine.search import Search
from refkernels.conformance.engine.stale import Elsewhere, find_stale
from refkernels.conformance.engine.standing import find_standing
from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import DTYPES, INTEGERS, Case, Image, Operator
from refkernels.conformance.model.parameters import Parameters
from refkernels.conformance.model.plain import ONE
from refkernels.conformance.model.result import ALL_DTYPES, Options, Result
from refkernels.conformance.peers.opening import declared, of_other_version
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.frameworks import ADAPTERS, framework
from refkernels.conformance.targets.offering import Offers
from refkernels.conformance.targets.representation import RepresentationError
from refkernels.conformance.targets.target import Target

__all__ = ["ALL_DTYPES", "DTYPES", "Dissent", "Options", "Result", "check_operator"]


# What code raises that is given the arrays of another framework.
WRONG_KIND = ("raises AttributeError", "raises TypeError")

# The adapters of frameworks that have it.
WITH_BFLOAT16 = ("PyTorch", "JAX")


def check_operator(
    name: str,
    target: Target,
    options: Options,
    images: Sequence[Image] = (),
    earlier: Sequence[Case] = (),
    progress: Callable[[int], None] = lambda count: None,
    watch: Callable[[Moment | None], None] = lambda moment: None,
    keep: Callable[[Dissent], Dissent] = lambda dissent: dissent,
    config: Mapping[str, Any] | None = None,
    divergences: Collection[Divergence] = (),
    offers: Offers | None = None,
    elsewhere: Elsewhere | None = None,
    interim: Callable[[Result], None] | None = None,
) -> Result:
    """Hold one operator of a target to the kernel and the definition.

    Parameters
    ----------
    name : str
        The operator's.
    target : Target
        What is under test.
    options : Options
        What to try.
    images : sequence of Image
        Boxes and anchors that make further cases, after the drawn ones.
    earlier : sequence of Case
        Tried first.
    progress : callable
        Called with the number of cases done.
    watch : callable
        Called with a `Moment` before the target runs on a case, and with None when it is done.
    keep : callable
        Called with each counterexample when it is found; returns it, with where it is saved.
    config : mapping, optional
        What the target is built with: cases are drawn for these parameters alone.
    divergences : collection of Divergence
        Differences that are accepted, beside those that are declared of the target's package.
    offers : Offers, optional
        What the target offers; by default what it says itself.
    elsewhere : callable, optional
        Runs the witness of a divergence that ends its process; by default such are not tried.
    interim : callable, optional
        Called with the verdict before it is tried what the target does with NaN, on which none
        depends and which may end the process; by default that is not tried.

    Returns
    -------
    Result
        With the smallest counterexample found for each dtype that has one.
    """
    if config is None and target.is_object:  # built already
        config = dict(target.representation.fixed)
    operator = find(name)
    try:
        if not target.representation.is_plain:
            if operator.calling in ("chain", "network"):
                of = "a representation is of a call on arrays"
                raise RepresentationError(f"{name} is a {operator.calling}: {of}")
            given = operator.parameters, _input_names(operator), _output_names(operator)
            target.representation.require(name, *given)
            target.require_given()
    except (RepresentationError, TargetError) as error:
        return Result(name, "error", seed=options.seed, note=str(error))
    operator = operator.as_given(*target.representation.gives)
    seed = options.seed ^ zlib.crc32(name.encode())
    started = perf_counter()
    try:
        missing = [need for need in operator.needs if target.find(need) is None]
        if missing:
            return Result(name, "absent", seed=options.seed, note=f"no {', '.join(missing)}")
        published = declared(target.module, name, target.place, target.spec)
        accepted = (*published, *target.divergences(name), *divergences)
        accepted = () if options.strict else accepted
        accepted = tuple(d for d in accepted if d.id not in options.undeclared)
        # Where one difference is left undeclared, all is demanded, for it may be of a parameter;
        # of what has a binding that says what it has not, that is not.
        demanding = options.strict or (bool(options.undeclared) and not target.place)
        pinned = target.representation.fixed
        config = config if config is None else {**config, **pinned}
        parameters = Parameters(config, _has_parameter(operator, target, demanding), pinned)
        if offers is None:
            offers = target.offers(name)
        offers, said = in_one_form(operator, offers)
        examiner = Examiner(operator, target, options.contexts, accepted, watch, parameters, offers)
        if config is None and (needed := _needed(operator, parameters)):
            own = f"a {name} has {needed}, which {target.place_of(name)}.{name} does not take"
            return Result(name, "error", seed=options.seed, note=f"{own}; give it as config")
    except (TargetError, ImportError) as error:
        return Result(name, "error", seed=options.seed, note=str(error))
    defined = (*operator.dtypes, *(INTEGERS if operator.takes_integers else ()))
    if target.adapter(operator.needs[0]).name in WITH_BFLOAT16 and "float16" in operator.dtypes:
        defined = (*defined, *([BFLOAT16] if operator.calling == "arrays" else []))
    dtypes = [dtype for dtype in options.dtypes if dtype in defined and offers.has_dtype(dtype)]
    if target.adapter(operator.needs[0]).name == "Gluon" and set(dtypes) & set(INTEGERS):
        # Some of its operators end the process when they are given integers.
        examiner.untried["integers"] = "MXNet computes in the dtype of its arrays"
        dtypes = [dtype for dtype in dtypes if dtype not in INTEGERS]
    lacking = _lacking_parameters(operator, parameters) | said
    if not demanding and operator.calling == "arrays":
        for case in earlier:  # first, as ever: it may end this process
            fitted = fitted_to(operator, case, parameters)
            if fitted is not None:
                examiner.examine(fitted, "a failure saved earlier", dtypes)
        reals = [dtype for dtype in dtypes if dtype not in INTEGERS]
        others = [d for d in operator.dtypes if d not in reals and offers.has_dtype(d)]
        examiner.offers, found = find_lacking(examiner, reals, others)
        dtypes = [dtype for dtype in dtypes if dtype not in found]
        lacking |= found
    if BATCHES in lacking:  # then each image of a batch is given alone
        examiner.target = target = target.one_by_one()
    if dtypes and not demanding:
        asked = "float64" if "float64" in dtypes else dtypes[0]
        examiner.parameters = parameters = find_standing(examiner, asked)
        stands = {k: value for k, value in parameters.pinned.items() if k in lacking}
        lacking |= {k: f"it does not take that, and stands at {v}" for k, v in stands.items()}
    if operator.given is not None:
        whole = _output_names(find(name))
        lacking |= {k: "it does not return it" for k in whole if k not in operator.given}
    result = Result(
        name,
        "conforms",
        dtypes=dtypes,
        modes=tuple(examiner.modes),
        contexts=tuple(examiner.contexts),
        framework=framework(target.find(operator.needs[0])),
        seed=options.seed,
    )
    if not dtypes and lacking.keys() & set(options.dtypes):
        note = "; ".join(
            f"{d} is not offered: {lacking[d]}" for d in options.dtypes if d in lacking
        )
        return Result(name, "absent", seed=options.seed, note=note, not_offered=lacking)
    if not dtypes and examiner.untried:
        note = "; ".join(f"{what}: {why}" for what, why in examiner.untried.items())
        return Result(name, "absent", seed=options.seed, note=note, untried=examiner.untried)
    if not dtypes:
        known = " and ".join(operator.dtypes)
        return Result(name, "absent", seed=options.seed, note=f"it is defined in {known} only")
    exact = None
    if operator.calling == "arrays" and operator.given is None:
        exact, tried = exhaust(
            examiner,
            "float32" if "float32" in dtypes else dtypes[0],
            options.scope_seconds,
            whole=options.exhaustive,
        )
        result.scope, result.note = str(tried), tried.note
        if tried.left:
            left = f"scopes of {', '.join(tried.left)}"
            examiner.untried[left] = f"they take more than {options.scope_seconds:g} s"
    search = Search(examiner, options, seed, earlier, images, result, progress)
    if exact is not None:
        result.dissents.append(keep(exact))
    for dissent in search.several() if options.keep_going else search.one_by_dtype():
        result.dissents.append(keep(dissent))
    # What reals show is plainer than what integers do.
    result.dissents.sort(key=lambda dissent: dissent.dtype in INTEGERS)
    if search.budget.was_short:
        seconds = options.shrink_seconds
        result.remarks["shrinking"] = f"cut short, as it may take {seconds:g} s in all dtypes"
    # Where every dtype fails, a law says nothing new.
    failing = {dissent.dtype for dissent in result.dissents}
    if options.keep_going or not failing >= {dtype for dtype in dtypes if dtype in DTYPES}:
        broken = examiner.examine_laws()
        if broken is not None:
            result.dissents.append(keep(broken))
    # A witness may need what is left undeclared; with all declared it is tried.
    stale = None if options.undeclared else find_stale(examiner, elsewhere)
    if stale is not None and (other := of_other_version(target.module, target.spec)):
        result.remarks["stale"] = f"{stale.what}; {other}"
    elif stale is not None:
        result.dissents.append(stale)
    if result.dissents:
        result.verdict = result.dissents[0].kind
        if result.verdict == "raises" and result.dissents[0].what.startswith(WRONG_KIND):
            result.remarks["framework"] = _guessed(examiner.adapter.name)
    elif accepted and result.verdict == "conforms":
        result.verdict = "known"
    result.dtypes = tuple(dtype for dtype in dtypes if dtype in DTYPES or dtype in examiner.taken)
    result.known = dict(examiner.known)
    result.accepted = {divergence.id: divergence.why for divergence in accepted}
    result.calls = examiner.calls
    result.ambiguous = examiner.ambiguous
    result.untried = _untried(examiner)
    result.not_offered = lacking
    result.seconds = perf_counter() - started
    if interim is not None and dtypes:
        interim(result)
        result.remarks |= remarks_on_nan(examiner, "float32" if "float32" in dtypes else dtypes[0])
    return result


def _guessed(framework: str) -> str:
    """Return what to do if the framework of a target was guessed wrong."""
    return (
        f"it was given arrays of {framework}; if it takes others, say so beside it: "
        f"__refkernels_framework__ = {' or '.join(repr(own) for own in ADAPTERS)}"
    )


def _input_names(operator: Operator) -> list[str]:
    own = signature(operator.kernel.__call__).parameters
    return [name for name in own if name not in ("self", "out", "rng")]


def _output_names(operator: Operator) -> list[str]:
    """Return the names of an operator's outputs, of an ordinary case if they depend on it."""
    case = next(iter(operator.annotated(ONE)), Case({}, {}))
    return [output.name for output in operator.outputs(case)]


def _needed(operator: Operator, parameters: Parameters) -> str:
    """Return the parameters without a default that the target does not have."""
    needed = [name for name in operator.required if not parameters.offered(name)]
    return ", ".join(needed)


def _has_parameter(operator: Operator, target: Target, demanding: bool) -> Callable[[str], bool]:
    """Return a function that tells whether the target has a parameter, or must have it.

    A class is built with those that have no default, and what it lacks it refuses.
    """
    found = target.find(operator.needs[0])
    own = target.has_parameter(operator.needs[0])
    if operator.is_chain:
        return own
    is_class = isinstance(found, type)
    return lambda name: demanding or (is_class and name in operator.required) or own(name)


def _lacking_parameters(operator: Operator, parameters: Parameters) -> dict[str, str]:
    """Return the parameters that the target does not have, where they are not fixed."""
    if parameters.fixed is not None:
        return {}
    lacking = [name for name in operator.parameters if not parameters.offered(name)]
    return dict.fromkeys(lacking, "it does not take that")


def _untried(examiner: Examiner) -> dict[str, str]:
    """Return what was not tried, and why."""
    refused = examiner.refused
    untried = {f"{dtype} is refused": said for dtype, said in refused.items()}
    if set(refused) == set(INTEGERS):
        untried = {"integers are refused": next(iter(refused.values()))}
    untried |= examiner.untried
    for doing, count in examiner.doings.items():
        untried[f"{times(count, 'case')} in {examiner.adapter.name}"] = doing
    if examiner.outside:
        untried[times(examiner.outside, "case")] = "they are outside of what is offered"
    return untried
