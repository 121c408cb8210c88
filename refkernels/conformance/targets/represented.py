"""Carry an operator's inputs to code that represents them otherwise, and its outputs back.

What is done to numbers here is exact: they are moved, repeated, or renumbered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.model.bfloat16 import BFloat16, joined, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Operator
from refkernels.conformance.model.outputs import OutputError
from refkernels.conformance.targets.calls import InputsChanged
from refkernels.conformance.targets.representation import Argument, Representation

__all__ = ["Carrier", "Piece"]

Named = dict[str, Array]


class Piece(NamedTuple):
    """What one call is given: for each argument the arrays that make it, and how many images."""

    arguments: list[tuple[Argument, list[Array]]]
    images: int

    def arrays(self) -> list[Array]:
        """Return all arrays, in order."""
        return [array for _, arrays in self.arguments for array in arrays]


class Carrier:
    """Runs code that has a representation of its own as if it had the operator's.

    Parameters
    ----------
    operator : Operator
        The operator that it is held to.
    representation : Representation
        How the code writes what that takes and gives.
    case : Case
        Tells names and axes of the inputs, and the parameters.
    """

    def __init__(self, operator: Operator, representation: Representation, case: Case) -> None:
        self._operator, self._said, self._case = operator, representation, case
        self._names = list(case.inputs)
        axes = operator.axes(case)
        self._axes = {name: axes.get(name, "") for name in self._names}
        texts = representation.inputs or self._names
        self._arguments = [own for own in map(Argument.of, texts) if own.name in self._names]
        self._outputs = [output.name for output in operator.outputs(case)]

    def arranged(self, built: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of a framework's arrays, one after the other, that calls the code."""
        arguments, lists = self._arguments, self._said.images == "list"

        def call(*arrays: Any, **given: Any) -> Any:
            """Call the code with the arrays as its arguments, and return its outputs."""
            images = len(arrays) // max(len(arguments), 1) if lists else 1
            positional, keywords = [], {}
            for i, argument in enumerate(arguments):
                own = arrays[i * images : (i + 1) * images]
                if argument.form == "size":
                    values: Any = [tuple(int(n) for n in array.shape[-2:]) for array in own]
                else:
                    values = [[array] if argument.form == "list" else array for array in own]
                value = values if lists else values[0]
                if argument.keyword:
                    keywords[argument.keyword] = value
                else:
                    positional.append(value)
            result = self._picked(built(*positional, **keywords, **given))
            if not lists:
                return result
            parts = (result,) if len(self._outputs) == 1 else result
            return tuple(own for part in parts for own in part)

        return call

    def _picked(self, result: Any) -> Any:
        """Return the outputs by their keys, or attributes, where they have such."""
        keys = [key for key, _, _ in (text.rpartition(":") for text in self._said.outputs)]
        if not any(keys):
            return result
        return tuple(
            result[key] if isinstance(result, Mapping) else getattr(result, key) for key in keys
        )

    def run(
        self, call: Callable[..., tuple[Array, ...]], *inputs: Array, **keywords: Any
    ) -> tuple[Array, ...]:
        """Return the operator's outputs, of a call on arrays as the code represents them."""
        return self._run(call, dict(zip(self._names, inputs, strict=True)), self._axes, keywords)

    def _run(
        self,
        call: Callable[..., tuple[Array, ...]],
        named: Named,
        axes: Mapping[str, str],
        keywords: dict[str, Any],
    ) -> tuple[Array, ...]:
        """Run what is called for one image for each, and put the results together."""
        parts = self._images(named, axes)
        if parts is None:
            return self._run_piece(call, named, keywords)
        images, inner = parts
        outputs = []
        for image, part in enumerate(images):
            own = dict(keywords)
            if image and own.get("seed") is not None:  # each draws lots of its own
                own["seed"] = (own["seed"] + 7919 * image) % 2**32
            outputs.append(self._run(call, part, inner, own))
        if not outputs:  # of no images the kernel tells the shapes
            is_coarse = any(isinstance(array, BFloat16) for array in named.values())
            return tuple(
                rounded(own) if is_coarse and own.dtype == np.float32 else own
                for own in self._expected(named)
            )
        return tuple(joined(own, np.stack) for own in zip(*outputs, strict=True))

    def pieces(self, named: Named) -> list[Piece]:
        """Return what the code is given, call by call."""
        found, left = [], [(named, self._axes)]
        while left:
            part, axes = left.pop(0)
            parts = self._images(part, axes)
            if parts is None:
                found.append(self._piece(part)[0])
            else:
                left += [(image, parts[1]) for image in parts[0]]
        return found

    def written(self, outputs: Sequence[Array]) -> Named:
        """Return the operator's outputs by their names, as the code would represent them."""
        found = {}
        for name, output in zip(self._outputs, outputs, strict=True):
            array = self._marked(name, output)
            found[name] = np.swapaxes(array, -1, -2) if self._is_turned(name) else array
        return found

    def _run_piece(
        self, call: Callable[..., tuple[Array, ...]], named: Named, keywords: Mapping[str, Any]
    ) -> tuple[Array, ...]:
        piece, rows = self._piece(named)
        try:
            results = call(*piece.arrays(), **keywords)
        except InputsChanged as error:
            owners = [own.name for own, arrays in piece.arguments for _ in arrays]
            name = (*owners, "an input")[min(error.position, len(owners))]
            raise InputsChanged(error.position, str(error), error.name or name) from None
        if self._said.images == "list":
            results = self._stacked(results, piece.images)
        if len(results) != len(self._outputs):
            names = ", ".join(self._outputs)
            raise OutputError(
                f"{times(len(results), 'output')}, expected {len(self._outputs)}: {names}"
            )
        expected: tuple[Array, ...] | None = None
        if self._said.squeezed or rows is not None or self._said.widens:
            expected = self._expected(named)
        outputs = []
        for i, (name, result) in enumerate(zip(self._outputs, results, strict=True)):
            output = self._unmarked(name, result)
            if rows is not None and expected is not None:
                output = _spread(output, rows, expected[i].shape)
            if self._is_turned(name) and output.ndim >= 2:
                output = np.swapaxes(output, -1, -2)
            if expected is not None:
                is_coarse = any(isinstance(array, BFloat16) for array in named.values())
                output = self._likened(output, expected[i], is_coarse)
            outputs.append(output)
        return tuple(outputs)

    def _likened(self, output: Array, expected: Array, is_coarse: bool) -> Array:
        """Return an output with the axes of length 1 that it should have, and in half precision."""
        said = self._said
        if said.squeezed and _without_ones(output) == _without_ones(expected):
            output = output.reshape(expected.shape)
        wider = np.float64 if said.widens == "float64" else np.float32
        is_narrow = expected.dtype.kind == "f" and expected.dtype.itemsize < wider().itemsize
        if said.widens and is_narrow and output.dtype == wider:
            with np.errstate(over="ignore"):
                output = output.astype(expected.dtype)
        if said.widens and is_coarse and type(output) is np.ndarray and output.dtype == np.float32:
            output = rounded(output)
        return output

    def _piece(self, named: Named) -> tuple[Piece, Array | None]:
        """Return what the code is given for these inputs, and if row by row, which rows they are.

        The rows are where the results belong in the output.
        """
        rows = None
        if self._said.aligned:
            named, rows = _aligned(named, self._axes)
        batched = max((len(axes) for axes in self._axes.values()), default=0)
        lists = self._said.images == "list" and (rows is not None or batched > 0)
        arguments, images = [], 1
        for argument in self._arguments:
            array = self._marked(argument.name, named[argument.name])
            if self._is_turned(argument.name):
                array = np.swapaxes(array, -1, -2)
            arrays = [array]
            if lists and rows is None and _has_images(self._axes[argument.name], array):
                images = max(images, len(array))
                arrays = list(array)
            arguments.append((argument, arrays))
        if lists:  # what is the same for all images is in the list as often
            arguments = [(own, arrays * (images // len(arrays))) for own, arrays in arguments]
        return Piece(arguments, images), rows

    def _images(
        self, named: Named, axes: Mapping[str, str]
    ) -> tuple[list[Named], dict[str, str]] | None:
        """Return the inputs of each image alone, with their axes; None if not taken apart."""
        own = [name for name, array in named.items() if _has_images(axes[name], array)]
        if self._said.images != "one" or self._said.aligned or not own:
            return None
        sizes = [len(named[name]) for name in own]
        size = 0 if 0 in sizes else max(sizes)
        images = [
            {
                name: array[min(b, len(array) - 1)] if name in own else array
                for name, array in named.items()
            }
            for b in range(size)
        ]
        return images, {name: axes[name][1:] if name in own else axes[name] for name in axes}

    def _is_turned(self, name: str) -> bool:
        said = self._said.transposed
        if isinstance(said, tuple):
            return name in said
        if not said:
            return False
        matrices = [own for own, axes in self._axes.items() if axes.endswith("NM")]
        return name in (matrices or self._outputs)

    def _marked(self, name: str, array: Array) -> Array:
        """Return matches, samples or candidates with the marks that the code has for them."""
        said = self._said
        if name in ("samples", "candidates") and said.samples != (1, -1, 0):
            own = [array.dtype.type(mark) for mark in said.samples]
            return np.select([array > 0.5, array < -0.5], own[:2], own[2])
        if name == "matches":
            unmatched, ignored = said.marks
            return _renumbered(array, {-1: unmatched, -2: ignored}, said.first)
        return array

    def _unmarked(self, name: str, array: Array) -> Array:
        said = self._said
        if name == "samples" and said.samples != (1, -1, 0):
            return _renumbered(array, {said.samples[0]: 1, said.samples[1]: -1, said.samples[2]: 0})
        if name == "matches":
            unmatched, ignored = said.marks
            return _renumbered(array, {unmatched: -1, ignored: -2}, -said.first)
        return array

    def _stacked(self, results: Sequence[Array], images: int) -> tuple[Array, ...]:
        """Put an output of several images together; they come one after the other."""
        found = []
        for start in range(0, len(results), max(images, 1)):
            own = results[start : start + images]
            found.append(joined(own, np.concatenate if self._said.aligned else np.stack))
        return tuple(found)

    def _expected(self, named: Named) -> tuple[Array, ...]:
        """Return what has the form that is expected; a NaN, which kernels refuse, has none."""
        finite = {
            name: np.nan_to_num(array, nan=0.0, posinf=np.inf, neginf=-np.inf)
            if type(array) is np.ndarray and array.dtype.kind == "f"
            else array
            for name, array in named.items()
        }
        return self._operator.run_kernel(Case(self._case.config, finite))


def _has_images(axes: str, array: Array) -> bool:
    return axes[:1] in ("A", "B", "1") and array.ndim == len(axes)


def _renumbered(array: Array, marks: Mapping[int, int], shift: int = 0) -> Array:
    """Return whole numbers with some exchanged for others, and the rest shifted."""
    if array.dtype.kind not in "iuf" or (not shift and all(k == v for k, v in marks.items())):
        return array
    signed = array if array.dtype.kind != "u" else array.astype(np.int64)
    found = signed + signed.dtype.type(shift)
    for mark, own in marks.items():
        found = np.where(signed == mark, signed.dtype.type(own), found)
    return found


def _aligned(named: Named, axes: Mapping[str, str]) -> tuple[Named, Array]:
    """Return inputs whose rows belong together, and where these rows are in the output."""
    if "matches" in named:
        return _matched(named, axes)
    first, second = (name for name in named if axes[name][-2:] in ("N4", "M4"))
    a, b = named[first][..., :, None, :], named[second][..., None, :, :]
    shape = np.broadcast_shapes(a.shape, b.shape)
    pairs = {k: np.broadcast_to(v, shape, subok=True) for k, v in ((first, a), (second, b))}
    own = {name: array.reshape(-1, 4) for name, array in pairs.items()}
    return {**named, **own}, np.ones(shape[:-1], np.bool_)


def _matched(named: Named, axes: Mapping[str, str]) -> tuple[Named, Array]:
    """Return the positive anchors, each with the ground truth that it is matched to."""
    images = {
        name: array if axes[name][:1] in ("B", "1") else array[None]
        for name, array in named.items()
    }
    size = 0 if any(not len(array) for array in images.values()) else max(map(len, images.values()))
    images = {k: np.broadcast_to(v, (size, *v.shape[1:]), subok=True) for k, v in images.items()}
    rows = images["samples"] > 0.5
    places = np.nonzero(rows)
    truths = images["matches"][places].astype(np.int64)
    by_anchor = ("samples", "matches", "anchors")
    found = {
        name: array[places] if name in by_anchor else array[places[0], truths]
        for name, array in images.items()
    }
    return found, rows


def _spread(values: Array, rows: Array, shape: tuple[int, ...]) -> Array:
    """Return an output with these values where the rows are, and 0 elsewhere."""
    count = int(rows.sum())
    if values.shape[:1] != (count,):
        raise OutputError(f"is of shape {values.shape}, expected {times(count, 'row')}")
    flat = np.zeros((rows.size, int(np.prod(shape)) // max(rows.size, 1)), values.dtype)
    if values.size != count * flat.shape[1]:
        return values
    flat[rows.ravel()] = values.reshape(count, flat.shape[1])
    return flat.reshape(shape).view(type(values))


def _without_ones(array: Array) -> tuple[int, ...]:
    return tuple(n for n in array.shape if n != 1)
