"""Small networks, drawn layer by layer, for the cases of the feature extractors."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.network.graph import Graph, Node

__all__ = ["networks", "small_network"]


class _Layers:
    """A network that is drawn layer by layer."""

    def __init__(self) -> None:
        self.nodes = [Node("data", "null", {}, ())]

    def add(self, op: str, name: str, inputs: list[int], parameters: str = "", **attrs: Any) -> int:
        """Add a node with variables for its parameters, and return its number."""
        for parameter in parameters.split():
            self.nodes.append(Node(f"{name}_{parameter}", "null", {}, ()))
            inputs = [*inputs, len(self.nodes) - 1]
        text = {key: str(value) for key, value in attrs.items()}
        self.nodes.append(Node(name, op, text, tuple((i, 0) for i in inputs)))
        return len(self.nodes) - 1

    def json(self, head: int) -> str:
        """Return the network up to a node, as MXNet writes it."""
        from refkernels.conformance.network.mxnet_graph import graph_json

        return graph_json(Graph(tuple(self.nodes), ((head, 0),)))


@st.composite
def networks(draw: DrawFn, doubling: bool = False) -> tuple[str, list[str]]:
    """Draw a network of one to three stages, each of at most half the last one's size.

    With `doubling`, twice the size of a stage is no less than that of the stage before. Returns the
    network's JSON and the names of the stages.
    """
    net = _Layers()
    names = []
    kinds = ["plain", "normed", "residual", "pooled", "wide"]
    y = 0
    for i in range(draw(st.integers(1, 3))):
        name = f"stage{i}"
        filters = draw(st.integers(1, 2))
        kind = draw(st.sampled_from(kinds))
        if kind == "pooled":  # twice would leave nothing of a small image
            kinds.remove(kind)
        stride = (2, 2) if i and kind != "pooled" else (1, 1)
        conv = {"num_filter": filters, "kernel": (3, 3), "pad": (1, 1), "stride": stride}
        y = net.add("Convolution", f"{name}_conv", [y], "weight bias", **conv)
        if kind == "normed":
            parameters = "gamma beta moving_mean moving_var"
            y = net.add("BatchNorm", f"{name}_bn", [y], parameters, fix_gamma=False, eps=1e-5)
        elif kind == "residual":
            one = {**conv, "kernel": (1, 1), "stride": (1, 1), "pad": (0, 0), "no_bias": True}
            other = net.add("Convolution", f"{name}_conv1", [y], "weight", **one)
            y = net.add("elemwise_add", f"{name}_plus", [y, other])
        elif kind == "pooled":
            pool: dict[str, Any] = {
                "pool_type": draw(st.sampled_from(["max", "avg"])),
                "kernel": (2, 2),
                "stride": (2, 2),
                # 3 pixels are 1 by 'valid', and twice that is too little for a sum.
                "pooling_convention": "full"
                if doubling
                else draw(st.sampled_from(["valid", "full"])),
            }
            y = net.add("Pooling", f"{name}_pool", [y], **pool)
        elif kind == "wide":
            y = net.add("Concat", f"{name}_concat", [y, y], dim=1, num_args=2)
        act = draw(st.sampled_from(["relu", "relu", "sigmoid", "tanh"]))
        y = net.add("Activation", f"{name}_relu", [y], act_type=act)
        names.append(f"{name}_relu")
    flat = net.add("Flatten", "flat", [y])
    head = net.add("FullyConnected", "dense", [flat], "weight bias", num_hidden=2)
    return net.json(head), names


def small_network(stages: int) -> tuple[str, list[str]]:
    """Return a network of convolutions that each halve the image: its JSON, and their names."""
    net, y = _Layers(), 0
    names = [f"stage{i}" for i in range(stages)]
    for name in names:
        conv = {"num_filter": 2, "kernel": (3, 3), "pad": (1, 1), "stride": (2, 2)}
        y = net.add("Convolution", name, [y], "weight bias", **conv)
    return net.json(y), names
