"""Chains of operators, from boxes to targets: what stands where, and how it runs and is written."""
