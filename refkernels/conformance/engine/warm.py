"""Compile kernels by running every operator on a few small cases."""

import hypothesis
from hypothesis import HealthCheck, Phase

from refkernels.conformance.cases import find, operators
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.parameters import FREE

__all__ = ["warm_operator", "what_to_warm"]

# So many cases of an operator reach its kernels' forms.
DRAWN = 5


def what_to_warm() -> list[str]:
    """Return the names of operators that have kernels to be compiled."""
    return [name for name, own in operators().items() if not own.is_chain]


def warm_operator(name: str) -> None:
    """Run an operator on drawn cases in each of its dtypes."""
    operator = find(name)

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=DRAWN,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operator.cases(FREE))
    def run(case: Case) -> None:
        """Run the kernel in each dtype."""
        for dtype in operator.dtypes:
            operator.run_kernel(case.astype(dtype), seed=0 if operator.random else None)

    run()
