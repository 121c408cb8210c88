"""Small wrong variants of the blocks, and whether `refkernels check` kills them.

``python -m tests.mutants`` tells.
"""
