"""Cases of the feature extractors (SPEC section 5).

A case has a small network of its own, and the parameters of all its layers as inputs. Float16 is
left out: the layers are MXNet's own, which has none in float16 on a CPU. Whole networks of the
model zoo are compared node by node, as a law.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels import feature
from refkernels.arrays import Array, computing_dtype
from refkernels.arrays.printing import times
from refkernels.conformance.cases.feature.networks import networks, small_network
from refkernels.conformance.cases.strategies import configurations
from refkernels.conformance.model.compare import Disagreement, compare_real
from refkernels.conformance.model.operator import Case, Law, Operator, Output, Reference, as_outputs
from refkernels.conformance.model.parameters import Parameters, Untried
from refkernels.conformance.network.compare import compare_graph, first_failing, running_errors
from refkernels.feature import GraphEvaluator
from refkernels.network.attributes import Attributes
from refkernels.network.graph import Graph
from refkernels.network.mxnet_operators import OPERATORS as LAYERS

if TYPE_CHECKING:
    pass

__all__ = ["OPERATORS", "case_of"]

# Networks of the model zoo with few parameters; `compare-graph --zoo` takes any.
WHOLE = ("mobilenet0.25", "mobilenetv2_0.25")

NATIVE = ("float32", "float64")

# A drawn network halves its image at most twice; one that is given may do so more often.
SIDE = st.integers(5, 8)
SIDES_OF_ANY = SIDE | st.sampled_from([16, 32, 64])


@dataclass(frozen=True)
class Features(Operator):
    """A network with its parameters, which are inputs of the kernel and of the definition."""

    calling: str = "network"

    def build(self, case: Case) -> Any:
        """Build the NumPy operator of a case."""
        return self.kernel(**case.config)

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return what the kernel, and for a small case the definition, make of `case`."""
        built = self.build(case)
        kernel = as_outputs(built(_image(case), params=_params(case, built)))
        return Reference(self.define(case) if ask_definition is not False else None, kernel)

    def define(self, case: Case) -> tuple[Array, ...]:
        """Ask the definition for the exact outputs."""
        return as_outputs(self.definition(case.inputs, **case.config))

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold outputs to the definition, within the error that runs through the layers."""
        expected = reference.exact if reference.exact is not None else reference.kernel
        if len(outputs) != len(expected):
            what = f"{times(len(outputs), 'output')}, expected {len(expected)}"
            return Disagreement("outputs", what, kind="wrong outputs")
        bounds = reference.bound(0, partial(self._bounds, case))
        for i, (found, exact, bound) in enumerate(zip(outputs, expected, bounds, strict=True)):
            dtype = reference.kernel[i].dtype
            both = reference.exact is None
            wrong = compare_real(f"outputs[{i}]", found, exact, bound, dtype, both_rounded=both)
            if wrong is not None:
                return wrong
        return None

    def _bounds(self, case: Case) -> list[Array]:
        built = self.build(case)
        evaluator = GraphEvaluator(built.graph, _params(case, built))
        dtype = computing_dtype(np.result_type(*case.inputs.values()))
        errors = running_errors(evaluator, {"data": _image(case)}, dtype)
        return [errors[output] for output in evaluator.outputs]


def _image(case: Case) -> Array:
    return case.inputs["data"]


def _params(case: Case, built: Any) -> dict[str, Array]:
    """Return the parameters that the operator needs; a case may have lost what needed the rest."""
    return {name: case.inputs[name] for name in built.parameters}


def _case(
    draw: DrawFn, kernel: Any, config: dict[str, Any], sides: st.SearchStrategy[int] = SIDE
) -> Case:
    """Draw an image, and parameters of the shapes that the kernel's graph asks for."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = [draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 2))]
    shape += [draw(sides), draw(sides)]
    image = rng.normal(size=shape)
    return Case(config, {"data": image, **_parameters(kernel(**config).graph, image, rng)})


def case_of(name: str, config: dict[str, Any]) -> Case:
    """Return a case of an operator by name, always with the same image and parameters."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 2, 15, 13))
    graph = getattr(feature, name)(**config).graph
    return Case(config, {"data": image, **_parameters(graph, image, rng)})


def _parameters(graph: Graph, image: Array, rng: Any) -> dict[str, Array]:
    """Draw parameters node by node, so that each node's input says what shape they have."""
    values: dict[int, Array] = {graph.find("data"): image}
    for i, node in enumerate(graph.nodes):
        if node.op == "null":
            continue
        layer = LAYERS[node.op](Attributes(node.attributes), len(node.inputs))
        sources = [source for source, _ in node.inputs]
        shape = values[sources[0]].shape
        for slot, source in list(zip(layer.slots, sources, strict=True))[layer.data :]:
            values[source] = _parameter(slot, node.attributes, shape, rng)
        values[i] = layer(*(values[source] for source in sources))
    return {
        node.name: values[i]
        for i, node in enumerate(graph.nodes)
        if node.op == "null" and node.name != "data"
    }


def _parameter(slot: str, attributes: dict[str, str], shape: tuple[int, ...], rng: Any) -> Array:
    if slot in ("gamma", "moving_var"):
        return np.asarray(rng.uniform(0.5, 2, shape[1]))
    count = int(attributes.get("num_filter") or attributes.get("num_hidden") or shape[1])
    if slot != "weight":
        return np.asarray(rng.normal(0, 0.3, count))
    if "kernel" in attributes:
        rest: tuple[int, ...] = (shape[1], *literal_eval(attributes["kernel"]))
    else:
        rest = (int(np.prod(shape[1:])),)
    return np.asarray(rng.normal(0, np.sqrt(2 / np.prod(rest)), (count, *rest)))


@st.composite
def _extractor(draw: DrawFn, parameters: Parameters) -> Case:
    from refkernels.feature import FeatureExtractor

    if parameters.fixed is not None:
        return _case(draw, FeatureExtractor, dict(parameters.fixed), SIDES_OF_ANY)
    network, names = draw(networks())
    outputs = draw(st.lists(st.sampled_from([*names, "dense"]), min_size=1, unique=True))
    outputs = [name + draw(st.sampled_from(["", "_output"])) for name in outputs]
    return _case(draw, FeatureExtractor, {"network": network, "outputs": outputs})


@st.composite
def _expander(draw: DrawFn, parameters: Parameters) -> Case:
    from refkernels.feature import FeatureExpander

    if parameters.fixed is not None:
        return _case(draw, FeatureExpander, dict(parameters.fixed), SIDES_OF_ANY)
    network, names = draw(networks())
    options = configurations(
        use_1x1_transition=st.booleans(),
        use_bn=st.booleans(),
        reduce_ratio=st.sampled_from([0.5, 0.4, 1.5]),
        global_pool=st.booleans(),
    )
    config = {
        "network": network,
        "outputs": names,
        "num_filters": draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)),
        # The default, 128, is for real networks.
        "min_depth": draw(st.integers(1, 2)),
        **draw(options),
    }
    return _case(draw, FeatureExpander, config)


@st.composite
def _pyramid(draw: DrawFn, parameters: Parameters) -> Case:
    from refkernels.feature import FPNFeatureExpander

    if parameters.fixed is not None:
        return _case(draw, FPNFeatureExpander, dict(parameters.fixed), SIDES_OF_ANY)
    network, names = draw(networks(doubling=True))
    config = {
        "network": network,
        "outputs": names,
        "num_filters": [draw(st.integers(1, 2))] * len(names),
        **draw(
            configurations(
                use_p6=st.booleans(),
                p6_conv=st.booleans(),
                no_bias=st.booleans(),
                norm_layer=st.sampled_from([None, "BatchNorm"]),
            )
        ),
    }
    if config.get("norm_layer") is not None:
        config["norm_kwargs"] = draw(configurations(eps=st.just(1e-5), fix_gamma=st.just(False)))
    # A sum is of levels of equal size, which takes laterals and repetition; so these come off one
    # after the other.
    off = draw(st.integers(0, 3))
    for count, name in enumerate(("use_elewadd", "use_1x1", "use_upsample")):
        if off > count:
            config[name] = False
    return _case(draw, FPNFeatureExpander, config)


def _outputs(case: Case) -> tuple[Output, ...]:
    return tuple(Output(name) for name in case.config["outputs"])


def _axes(case: Case) -> dict[str, str]:
    return {"data": "B..."}


def _every_node_is_in_its_bound(
    run: Callable[[Case], tuple[Array, ...]], parameters: Parameters
) -> str | None:
    """Compare every internal of whole networks, each node on the inputs that it really had."""
    if parameters.fixed is not None:
        raise Untried("it takes networks of its own")
    from refkernels.conformance.network.mxnet_graph import random_network

    for name in WHOLE:
        try:
            network, params, image = random_network(name)
        except ImportError:  # there is no model zoo without MXNet
            return None
        evaluator = GraphEvaluator(network, params)
        outputs = list(evaluator.operators)
        found = run(Case({"network": network, "outputs": outputs}, {"data": image, **params}))
        internals = dict(zip(outputs, found, strict=True))
        wrong = first_failing(compare_graph(evaluator, {"data": image}, internals))
        if wrong is not None:
            return f"{name}: {wrong}"
    return None


def _norm_may_be_synchronised(
    run: Callable[[Case], tuple[Array, ...]], parameters: Parameters
) -> str | None:
    """Compare pyramids with SyncBatchNorm, which MXNet has in float32 alone."""
    if parameters.fixed is not None:
        raise Untried("it takes networks of its own")
    network, names = small_network(3)
    for use_p6, p6_conv in ((False, True), (True, True), (True, False)):
        config: dict[str, Any] = {
            "network": network,
            "outputs": names,
            "num_filters": [2, 2, 2],
            "use_p6": use_p6,
            "p6_conv": p6_conv,
            "norm_layer": "SyncBatchNorm",
        }
        case = case_of("FPNFeatureExpander", config)
        case = case.astype(np.dtype(np.float32))
        wrong = PYRAMID.judge(case, PYRAMID.refer(case), run(case))
        if wrong is not None:
            return wrong.what
    return None


LAWS = (Law("every node of a whole network is inside its bound", _every_node_is_in_its_bound),)

SYNCHRONISED = (Law("a pyramid's norm may be synchronised", _norm_may_be_synchronised),)


def _features(name: str, draw: Any, *laws: Law) -> Features:
    return Features(
        name,
        "feature",
        draw,
        _outputs,
        _axes,
        dtypes=NATIVE,
        laws=laws,
        takes_integers=False,
        # A network says what parameters it has.
        fit=lambda case, config: None,
    )


PYRAMID = _features(
    "FPNFeatureExpander",
    _pyramid,
    Law("a pyramid's norm may be synchronised", _norm_may_be_synchronised),
)

OPERATORS = (
    _features(
        "FeatureExtractor",
        _extractor,
        Law("every node of a whole network is inside its bound", _every_node_is_in_its_bound),
    ),
    _features("FeatureExpander", _expander),
    PYRAMID,
)
