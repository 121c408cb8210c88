"""Assigners side by side on one image: what one takes and another does not."""
