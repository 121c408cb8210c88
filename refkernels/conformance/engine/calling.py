"""How a target's operators are run on a case, and how such a run is written to be pasted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.cases.sampler.quota import custom_defaults
from refkernels.conformance.cases.sampler.split import epochs_of
from refkernels.conformance.model.chain import Pipeline, Stage
from refkernels.conformance.model.operator import Case, Operator
from refkernels.conformance.model.outputs import OutputError, as_outputs
from refkernels.conformance.targets.bound import Bound
from refkernels.conformance.targets.calls import InputsChanged
from refkernels.conformance.targets.own_call import paste_call
from refkernels.conformance.targets.paste import snippet
from refkernels.conformance.targets.represented import Carrier
from refkernels.conformance.targets.target import Target

__all__ = ["paste", "prepare"]

Call = Callable[..., tuple[Array, ...]]


def prepare(operator: Operator, target: Target, case: Case, mode: str, context: str) -> Call:
    """Return a function of the case's inputs that runs the target's operator."""
    return CALLINGS[operator.calling].prepare(operator, target, case, mode, context)


def paste(operator: Operator, target: Target, case: Case, mode: str, context: str) -> str:
    """Return Python that runs a case on the target and on the kernel by itself."""
    return CALLINGS[operator.calling].paste(operator, target, case, mode, context)


class Calling:
    """What is built with a case's parameters, and called on its inputs."""

    def prepare(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> Call:
        """Return a function of the case's inputs that runs the target's operator."""
        built = target.build(operator.name, case.config)
        adapter = target.adapter(operator.name)
        if target.representation.is_plain:
            return adapter.prepare(built, mode, context)
        carrier = Carrier(operator, target.representation, case)
        return partial(carrier.run, adapter.prepare(built, mode, context, carrier.arranged(built)))

    def paste(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that runs a case on the target and on the kernel by itself."""
        if isinstance(target, Bound) or not target.representation.is_plain:
            return paste_call(operator, target, case, mode, context)
        written = snippet(target, operator.name, case)
        adapter = target.adapter(operator.name)
        return adapter.paste(written, list(case.inputs), mode, context)


class WithParameters(Calling):
    """A block that owns its weight and bias, which the kernel is given as inputs."""

    def prepare(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> Call:
        """Return a function that gives the block its parameters, then runs it."""
        adapter: Any = target.adapter(operator.name)
        block = target.build(operator.name, case.config)
        if not adapter.owns_parameters(block):
            return super().prepare(operator, target, case, mode, context)
        run = adapter.prepare_with_parameters(block, mode, context)
        names = ("weight", "bias")
        return lambda x, *parameters: run([x], dict(zip(names, parameters, strict=False)))

    def paste(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that runs a case on the target and on the kernel by itself."""
        name = operator.name
        adapter: Any = target.adapter(name)
        try:
            owns = adapter.owns_parameters(target.build(name, case.config))
        except Exception:  # what cannot be built is what the paste shows
            owns = False
        if not owns:
            return super().paste(operator, target, case, mode, context)
        parameters = ", ".join(f"{own!r}: {own}" for own in case.inputs if own != "x")
        return "\n".join(
            [
                "import numpy as np, refkernels",
                "from refkernels.conformance.targets.mxnet import GluonAdapter",
                f"from {target.place_of(name)} import {name}",
                case.assignments(),
                f"block = {case.call(name)}",
                f"run = GluonAdapter().prepare_with_parameters(block, {mode!r}, {context!r})",
                f"print(run([x], {{{parameters}}}))",
                f"print(refkernels.{case.call(name)}({', '.join(case.inputs)}))  # the kernel",
            ]
        )


class OfNetwork(Calling):
    """A network with its parameters, which are inputs of the kernel."""

    def prepare(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> Call:
        """Return a function that gives the block its parameters, then runs it."""
        names, needed = list(case.inputs), operator.build(case).parameters
        found = target.find(operator.name)
        adapter: Any = target.adapter(operator.name)
        if adapter.name == "NumPy":
            built = found(**case.config)

            def run(inputs: Sequence[Array], params: Mapping[str, Array]) -> tuple[Array, ...]:
                """Return the network's outputs with these parameters."""
                return as_outputs(built(*inputs, params=params))
        else:
            from refkernels.conformance.network import mxnet_graph

            config = {**case.config, "network": mxnet_graph.symbol(case.config["network"])}
            if "norm_layer" in config:
                config["norm_layer"] = mxnet_graph.norm_layer(config["norm_layer"])
            block = mxnet_graph.built(lambda: found(**config))
            run = adapter.prepare_with_parameters(block, mode, context)

        def call(*arrays: Array) -> tuple[Array, ...]:
            """Return the network's outputs for the first array, with parameters of the rest."""
            given = dict(zip(names, arrays, strict=True))
            return run(arrays[:1], {name: given[name] for name in needed})

        return call

    def paste(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that runs a case on the target and on the kernel by itself."""
        params = ", ".join(f"{key!r}: {key}" for key in operator.build(case).parameters)
        call, place = case.call(operator.name), target.place_of(operator.name)
        lines = [
            "import numpy as np",
            f"import refkernels.feature\nfrom {place} import {operator.name}",
            case.assignments(),
            f"params = {{{params}}}",
        ]
        if target.adapter(operator.name).name == "NumPy":
            run = [f"print({call}(data, params=params))"]
        else:
            block = call.replace(repr(case.config["network"]), "symbol(network)")
            norm = case.config.get("norm_layer")
            block = block.replace(f"norm_layer={norm!r}", f"norm_layer=norm_layer({norm!r})")
            run = [
                "from refkernels.conformance.network.mxnet_graph import built, norm_layer, symbol",
                "from refkernels.conformance.targets.mxnet import GluonAdapter",
                f"network = {case.config['network']!r}",
                f"block = built(lambda: {block})",
                f"run = GluonAdapter().prepare_with_parameters(block, {mode!r}, {context!r})",
                "print(run([data], params))",
            ]
        kernel = f"print(refkernels.feature.{call}(data, params=params))  # the kernel"
        return "\n".join([*lines, *run, kernel])


class OfEpochs(Calling):
    """A sampler of examples, of which epochs are drawn."""

    def prepare(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> Call:
        """Return a function that iterates over the target's sampler."""
        return lambda epochs=2: epochs_of(lambda: target.build(operator.name, case.config), epochs)

    def paste(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that shows an epoch of the target and of the kernel."""
        call = case.call(operator.name)
        return "\n".join(
            [
                f"import refkernels\nfrom {target.place_of(operator.name)} import {operator.name}",
                f"print(list({call}))",
                f"print(list(refkernels.{call}))  # the kernel",
            ]
        )


class OfCustomOperator(Calling):
    """A custom operator of MXNet."""

    def prepare(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> Call:
        """Return a function of the case's inputs that runs the target's custom operator."""
        from refkernels.conformance.targets.mxnet_custom import custom_block

        block = custom_block(target.find(operator.name), case.config)
        return target.adapter(operator.name).prepare(block, mode, context)

    def paste(self, operator: Any, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that runs a case on the target and on the kernel by itself."""
        kernel = custom_defaults(case).call("refkernels.QuotaSampler")
        return "\n".join(
            [
                "import numpy as np, refkernels",
                "from refkernels.conformance.targets.mxnet import GluonAdapter",
                "from refkernels.conformance.targets.mxnet_custom import custom_block",
                target.imports([operator.name]),
                case.assignments(),
                f"block = custom_block({operator.name}, {dict(case.config)!r})",
                f"print(GluonAdapter().prepare(block, {mode!r}, {context!r})(matches, ious))",
                f"print({kernel}(matches, ious))  # the kernel",
            ]
        )


class OfChain(Calling):
    """A chain of operators, each of which is given what those before it have made."""

    def prepare(
        self, operator: Pipeline, target: Target, case: Case, mode: str, context: str
    ) -> Call:
        """Return a function that runs the whole chain on the target."""
        calls = [self._prepare_stage(target, stage, mode, context) for stage in operator.stages]

        def run(*inputs: Array) -> tuple[Array, ...]:
            """Return the results of the chain; an error says at which operator it is."""
            values = dict(zip(case.inputs, inputs, strict=True))
            for stage, call in zip(operator.stages, calls, strict=True):
                try:
                    outputs = call(*(values[own] for own in stage.inputs.values()))
                except InputsChanged as error:
                    name = f"at {stage.recipe}: {[*stage.inputs][error.position]}"
                    raise InputsChanged(error.position, str(error), name) from None
                except OutputError as error:
                    raise OutputError(f"at {stage.recipe}: {error}") from None
                if len(outputs) != len(stage.results):
                    raise OutputError(
                        f"at {stage.recipe}: {times(len(outputs), 'output')}, expected "
                        f"{len(stage.results)}: {', '.join(stage.results)}"
                    )
                values.update(zip(stage.results, outputs, strict=True))
            return tuple(values[name] for name in operator.results)

        return run

    def _prepare_stage(self, target: Target, stage: Stage, mode: str, context: str) -> Call:
        """Prepare one operator; one that cannot be run in this mode is run in its plain one."""
        name = stage.recipe.name
        adapter, modes = target.adapter(name), target.adapter(name).modes(target.find(name))
        built = target.build(name, stage.recipe.config)
        return adapter.prepare(built, mode if mode in modes else modes[0], context)

    def paste(self, operator: Pipeline, target: Target, case: Case, mode: str, context: str) -> str:
        """Return the inputs, and the chain as the calls it is made of."""
        lines = ["import numpy as np", case.assignments()]
        for stage in operator.stages:
            module = target.place_of(stage.recipe.name)
            call = f"{stage.recipe}({', '.join(stage.inputs.values())})"
            lines.append(f"{', '.join(stage.results)} = {call}  # {module}, {mode}")
        return "\n".join(lines)


CALLINGS: Mapping[str, Calling] = {
    "arrays": Calling(),
    "parameters": WithParameters(),
    "network": OfNetwork(),
    "epochs": OfEpochs(),
    "custom": OfCustomOperator(),
    "chain": OfChain(),
}
