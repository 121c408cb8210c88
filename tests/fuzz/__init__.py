"""Random calls of every operator, valid ones and wrong ones, and what is held of them.

``python -m tests.fuzz`` makes them; `examine` says what is held.
"""
