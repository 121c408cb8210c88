"""Calls of mmdet that no representation tells: result objects, parts of heads, given overlaps.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""
