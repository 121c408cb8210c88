"""Read a symbol's JSON, as MXNet's ``HybridBlock.export`` writes it, without MXNet."""

import difflib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from refkernels.arrays import require
from refkernels.arrays.files import no_pipe

__all__ = ["Graph", "Node", "nearest", "read_symbol"]


@dataclass(frozen=True)
class Node:
    """A node of a graph: a variable (``op == "null"``) or an operator.

    Attributes
    ----------
    name, op : str
    attributes : dict of str to str
        The operator's parameters as MXNet writes them, without the ``__hidden__`` ones.
    inputs : tuple of (int, int)
        For each input the index of the node it comes from, and which of that node's outputs it is.
    """

    name: str
    op: str
    attributes: dict[str, str]
    inputs: tuple[tuple[int, int], ...]

    @property
    def output(self) -> str:
        """The name of the node's output, as ``Symbol.list_outputs`` gives it."""
        return self.name if self.op == "null" else f"{self.name}_output"


@dataclass(frozen=True)
class Graph:
    """A symbol: its nodes in an order of evaluation, and its outputs, as (node, output)."""

    nodes: tuple[Node, ...]
    heads: tuple[tuple[int, int], ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """The index of each node by the name of its output."""
        return {node.output: i for i, node in enumerate(self.nodes)}

    def find(self, name: str, argument: str = "") -> int:
        """Return the index of a node; ``_output`` may be left off the name of its output."""
        for candidate in (name, f"{name}_output"):
            if candidate in self.places:
                return self.places[candidate]
        where = f"{argument}: " if argument else ""
        raise ValueError(f"{where}there is no node {name!r}; {nearest(name, self.places)}")

    def cut(self, heads: Sequence[int]) -> "Graph":
        """Return the graph that computes `heads`, without what they do not need."""
        needed = set(heads)
        for i in reversed(range(len(self.nodes))):
            if i in needed:
                needed.update(source for source, _ in self.nodes[i].inputs)
        number = {old: new for new, old in enumerate(sorted(needed))}
        nodes = tuple(
            replace(
                self.nodes[old],
                inputs=tuple((number[i], output) for i, output in self.nodes[old].inputs),
            )
            for old in number
        )
        return Graph(nodes, tuple((number[head], 0) for head in heads))


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which of `names` are like `name`, for a message."""
    found = difflib.get_close_matches(name, list(names), n=5, cutoff=0.3)
    return f"the nearest names are {', '.join(found)}" if found else "nothing has a name like that"


def read_symbol(symbol: Any, name: str = "symbol") -> Graph:
    """Read a symbol's graph.

    Parameters
    ----------
    symbol : str, os.PathLike, Graph, or an object with ``tojson()``
        A path of a ``-symbol.json`` file, the JSON text itself, a graph, which is returned as it
        is, or an ``mx.sym.Symbol``.
    name : str
        The argument's name, for messages.

    Returns
    -------
    Graph

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If `symbol` is something else, is not JSON, or is JSON that is no graph.
    """
    if isinstance(symbol, Graph):
        return symbol
    source, text = _symbol_text(symbol, name)
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:  # it ends early, or is nested beyond all bounds
        raise ValueError(f"{source}: expected a symbol's JSON, got no JSON ({error})") from None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("nodes"), list):
        raise ValueError(f"{source}: expected a symbol's JSON, got JSON without 'nodes'")
    nodes: list[Node] = []
    for index, entry in enumerate(loaded["nodes"]):
        nodes.append(_node(source, index, entry))
    names: set[str] = set()
    for node in nodes:
        require(node.output not in names, f"{source}: two nodes are named {node.name!r}")
        names.add(node.output)
    heads = _references(source, "heads", loaded.get("heads"), len(nodes))
    require(len(heads) > 0, f"{source}: expected at least one output in 'heads', got none")
    return Graph(tuple(nodes), heads)


def _symbol_text(symbol: Any, name: str) -> tuple[str, str]:
    """Return what to call the symbol in messages, and its JSON text."""
    if hasattr(symbol, "tojson"):
        return name, str(symbol.tojson())
    if isinstance(symbol, str) and symbol.lstrip()[:1] in ("{", "["):
        return name, symbol
    if not isinstance(symbol, (str, os.PathLike)):
        raise TypeError(
            f"{name}: expected a path, JSON text or an mx.sym.Symbol, got {type(symbol).__name__}"
        )
    path = os.fspath(symbol)
    try:
        with no_pipe(path).open(encoding="utf-8") as file:
            return f"{name} {path}", file.read()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} {path}: expected JSON, got no text ({error})") from None


def _node(source: str, index: int, entry: Any) -> Node:
    where = f"nodes[{index}]"
    good = (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("op"), str)
    )
    require(good, f"{source}: {where}: expected a node with 'op' and 'name', got {entry!r:.200}")
    attributes: dict[str, str] = {}
    for key in ("param", "attr", "attrs"):  # before MXNet 1.0 parameters were in "param"
        found = entry.get(key, {})
        require(isinstance(found, dict), f"{source}: {where}: expected {key!r} to be an object")
        attributes.update({name: str(value) for name, value in found.items()})
    attributes = {k: v for k, v in attributes.items() if not k.startswith("__")}
    return Node(
        entry["name"],
        entry["op"],
        {} if entry["op"] == "null" else attributes,
        # An input that comes later would make a cycle.
        _references(source, f"{where} ({entry['name']!r}) inputs", entry.get("inputs", []), index),
    )


def _references(source: str, where: str, entries: Any, count: int) -> tuple[tuple[int, int], ...]:
    good = isinstance(entries, list) and all(
        isinstance(entry, list)
        and len(entry) >= 2
        and all(isinstance(number, int) for number in entry)
        and 0 <= entry[0] < count
        and entry[1] >= 0
        for entry in entries
    )
    require(
        good,
        f"{source}: {where}: expected pairs of a node's index below {count} and an output's, got "
        f"{entries!r:.200}",
    )
    return tuple((entry[0], entry[1]) for entry in entries)
