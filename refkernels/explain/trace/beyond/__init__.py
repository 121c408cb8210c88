"""Matchers that look at more than one matrix: what each of them made of an image, and why."""
