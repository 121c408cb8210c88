"""A graph of a network that nodes are added to."""

from collections.abc import Sequence
from typing import Any

from refkernels.arrays import require
from refkernels.network.graph import Graph, Node

__all__ = ["Growing"]


class Growing:
    """A graph to which nodes are added."""

    def __init__(self, graph: Graph, heads: list[int]) -> None:
        self.nodes = list(graph.nodes)
        self.heads = heads

    @property
    def graph(self) -> Graph:
        """What has grown so far."""
        return Graph(tuple(self.nodes), tuple((head, 0) for head in self.heads))

    def add(self, op: str, name: str, inputs: Sequence[int], **attributes: Any) -> int:
        """Add a node, and return its number."""
        is_new = all(node.name != name for node in self.nodes)
        require(is_new, f"network: it already has a node {name!r}")
        text = {key: str(value) for key, value in attributes.items()}
        self.nodes.append(Node(name, op, text, tuple((i, 0) for i in inputs)))
        return len(self.nodes) - 1

    def count(self, op: str, prefix: str) -> int:
        """Return how many nodes of a kind have names that begin so."""
        return sum(node.op == op and node.name.startswith(prefix) for node in self.nodes)

    def convolution(
        self, name: str, y: int, filters: int, kernel: int, *, stride: int = 1, bias: bool
    ) -> int:
        """Add a convolution that keeps the size but for its stride, with its parameters."""
        parameters = [f"{name}_weight", *([f"{name}_bias"] if bias else [])]
        variables = [self.add("null", parameter, []) for parameter in parameters]
        attributes = {
            "num_filter": filters,
            "kernel": (kernel, kernel),
            "pad": (kernel // 2, kernel // 2),
            "stride": (stride, stride),
            "no_bias": not bias,
        }
        return self.add("Convolution", name, [y, *variables], **attributes)

    def norm(self, name: str, y: int, op: str = "BatchNorm", **attributes: Any) -> int:
        """Add a norm with its parameters."""
        parameters = ("gamma", "beta", "moving_mean", "moving_var")
        variables = [self.add("null", f"{name}_{parameter}", []) for parameter in parameters]
        return self.add(op, name, [y, *variables], **attributes)
