"""Networks of MXNet, evaluated node by node without it: graphs, parameters and layers."""
