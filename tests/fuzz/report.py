"""What was found, told kind by kind, and a table of the calls."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.fuzz.worker import Found, Report, Tally

__all__ = ["Findings"]

# Longer Python is cut: --only prints the whole.
LONGEST = 3000


class Findings:
    """What became of all calls so far."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.kinds: dict[tuple[str, str], list[Found]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self.kinds.values()))

    @property
    def calls(self) -> int:
        """How many there were."""
        return sum(tally.calls for tally in self.tallies.values())

    def add(self, report: Report) -> None:
        """Add what became of some calls."""
        for name, tally in report.tallies.items():
            self.tallies[name].add(tally)
        for found in report.found:
            self.kinds[found.operator, found.kind].append(found)

    def tell(self, console: Console, seed: int) -> None:
        """Print one finding of each kind, the one of the shortest Python."""
        for (operator, kind), found in sorted(self.kinds.items()):
            one = min(found, key=lambda each: len(each.python))
            console.print(f"\n{operator} {kind}", style="bold red", markup=False)
            numbers = ", ".join(str(each.number) for each in found[:5])
            more = ", …" if len(found) > 5 else ""
            console.print(
                f"{len(found)} calls (--seed {seed} --only {numbers}{more})", markup=False
            )
            console.print(one.what, markup=False, soft_wrap=True)
            python = one.python if len(one.python) <= LONGEST else one.python[:LONGEST] + " …"
            console.print(python, markup=False, soft_wrap=True)


def table(tallies: Mapping[str, Tally], names: Sequence[str]) -> Table:
    """Return how many calls of each operator there were, and what became of them."""
    result = Table("operator", "calls", "valid", "refused", "compared", "findings", "ms a call")
    result.columns[0].no_wrap = True
    for column in result.columns[1:]:
        column.justify = "right"
    total = Tally()
    for name in names:
        total.add(tallies[name])
    for name, tally in [*((name, tallies[name]) for name in names), ("all", total)]:
        result.add_row(
            name,
            str(tally.calls),
            str(tally.accepted),
            str(tally.calls - tally.accepted),
            str(tally.compared),
            str(tally.findings),
            f"{1000 * tally.seconds / max(tally.calls, 1):.2f}",
        )
    return result
