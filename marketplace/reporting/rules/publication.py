"""Which counts of a cohort report are hidden when it is published.

All groups and all counts are one problem: what is hidden in one group could otherwise be had by
subtracting it from the whole.
"""

from collections.abc import Mapping
from types import MappingProxyType

from marketplace.reporting.rules.flow import COUNTS, GROUPS, IMPLIED, Cell, in_group
from marketplace.reporting.rules.suppression import Table, suppress

SMALL = 11

# what a reader would miss most is hidden last
IMPORTANCE: Mapping[str, int] = MappingProxyType(
    {
        "matched_pgy1": 8,
        "active_applicants": 8,
        "eligible": 6,
        "responded_I_or_P": 6,
        "silent": 6,
        "disposition_I": 4,
        "matched_verified": 4,
        "lor_earned": 3,
        "lor_known": 3,
        "registered": 2,
        "placed_pgy1_active": 2,
        "placed_pgy1_all_registered": 2,
    }
)


def _importance(group: str, name: str) -> int:
    """The whole is read by more people than its parts."""
    return IMPORTANCE.get(name, 1) * (2 if group == "all" else 1)


def hidden_counts(table: Mapping[Cell, int], k: int = SMALL) -> dict[str, frozenset[str]]:
    """For each group the names of the counts to hide.

    The attacker is given more than readers have: which combinations of answers occur at all.
    """
    figures = {
        f"{group}:{name}": (group, test) for group in GROUPS for name, test in COUNTS.items()
    }
    implied = {
        f"{group}:{name}": (group, test) for group in GROUPS for name, test in IMPLIED.items()
    }
    members = {
        name: [str(i) for i, cell in enumerate(table) if in_group(cell, group) and test(cell)]
        for name, (group, test) in (figures | implied).items()
    }
    problem = Table(
        k=k,
        base={str(i): n for i, n in enumerate(table.values())},
        published={name: members[name] for name in figures},
        implied={name: members[name] for name in implied},
        importance={name: _importance(*name.split(":")) for name in figures},
    )
    hide = suppress(problem)
    return {
        group: frozenset(name.split(":")[1] for name in hide if name.split(":")[0] == group)
        for group in GROUPS
    }
