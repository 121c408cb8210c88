"""What every operator means: SPEC.md once more, as slow and readable Python.

One function for each operator, of the operator's name: the call's inputs, then the operator's
parameters as keywords. Results are exact: `fractions.Fraction` where an operator is algebraic,
`mpmath.mpf` of at least 100 bits where it needs exp or log, int64 where it decides.

A definition assumes valid input. It shares no code with the kernels, so that two independent
derivations of the same page have to agree.
"""
