"""Networks held to the reference node by node."""
