"""Code with one mistake in it beside its right twin: does `assert_conforms` tell them apart?

``python -m tests.planted`` tells.
"""
