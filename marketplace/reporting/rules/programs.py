"""Small integer programs, solved by HiGHS through scipy: the same answer for the same program."""

from collections.abc import Sequence

from marketplace.reporting.rules import libraries

# a limit in nodes, unlike one in seconds, gives the same answer on every machine
NODE_LIMIT = 200_000
# a variable by its place, and its factor in a sum
Term = tuple[int, float]


class Program:
    """Variables by place, linear conditions on their sums, and a cost to keep low."""

    def __init__(self) -> None:
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._cost: list[float] = []
        self._entries: list[tuple[int, int, float]] = []
        self._least: list[float] = []
        self._most: list[float] = []

    def whole(self, lower: Sequence[int], upper: int) -> list[int]:
        """One whole variable for each lower limit, all with one upper limit; their places."""
        first = len(self._lower)
        self._lower += lower
        self._upper += [upper] * len(lower)
        self._cost += [0.0] * len(lower)
        return list(range(first, first + len(lower)))

    def choice(self, cost: float, *, fixed: bool) -> int:
        """A variable that is 0 or 1, with its cost; 1 in any case if fixed."""
        self._lower.append(1 if fixed else 0)
        self._upper.append(1)
        self._cost.append(cost)
        return len(self._lower) - 1

    def require(self, terms: Sequence[Term], least: int | None, most: int | None) -> None:
        """The sum of the variables lies between the limits; None is no limit."""
        self._condition(terms, least, most)

    def only_if(self, terms: Sequence[Term], choice: int, least: int, most: int) -> None:
        """The sum is 0, or between the limits where the choice is 1."""
        self._condition([*terms, (choice, -float(most))], None, 0)
        self._condition([*terms, (choice, -float(least))], 0, None)

    def apart(self, terms: Sequence[Term], reach: int) -> None:
        """The sum is not 0; it is within `reach` of it."""
        side = self.choice(0.0, fixed=False)
        self._condition([*terms, (side, float(reach))], 1, None)
        self._condition([*terms, (side, float(reach))], None, reach - 1)

    def solve(self, gap: float = 0.0) -> list[int] | None:
        """Whole values of least cost, or None where there are none (or too hard to find).

        With a gap, the cost is within that share of the least.
        """
        optimize = libraries.optimize()
        sparse = libraries.sparse()
        rows, columns, values = zip(*self._entries, strict=True) if self._entries else ((), (), ())
        matrix = sparse.csr_array(
            (values, (rows, columns)), shape=(len(self._least), len(self._lower))
        )
        answer = optimize.milp(
            c=self._cost,
            integrality=[1] * len(self._cost),
            bounds=optimize.Bounds(self._lower, self._upper),
            constraints=optimize.LinearConstraint(matrix, self._least, self._most),
            options={"mip_rel_gap": gap, "node_limit": NODE_LIMIT},
        )
        return None if answer.x is None else [round(value) for value in answer.x]

    def _condition(self, terms: Sequence[Term], least: float | None, most: float | None) -> None:
        row = len(self._least)
        self._entries += [(row, place, factor) for place, factor in terms if factor]
        self._least.append(-float("inf") if least is None else least)
        self._most.append(float("inf") if most is None else most)
