"""A whole data set against a set of anchors: what gets none, by how much, and what would help."""
