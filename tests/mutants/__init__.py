"""Small wrong variants of blocks and operators, and whether `refkernels check` kills them.

``python -m tests.mutants`` tells.
"""
