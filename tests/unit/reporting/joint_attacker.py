"""An attacker of all that is published of a cohort: its groupings and its versions together.

It reads published documents and looks for another set of people that gives the very same ones.
What it finds is made into people, row by row, and counted anew by the product's own counts, so
that no shortcut of the search is taken on trust.
"""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from marketplace.reporting.rules import flow, groupings
from marketplace.reporting.rules.cohort import report
from marketplace.reporting.rules.flow import COUNTS, GROUPS, IMPLIED, LOSSES
from marketplace.reporting.rules.groupings import DIFFERENCES, GROUPINGS
from marketplace.reporting.rules.panel import DISPOSITIONS, SOURCES, PanelRow

HIDDEN = "*"
FIGURES = ("groups", "dispositions", "aapor", "weighting", "groupings")


def flat(document):
    """(group, count) and (grouping, category, count) -> what is published."""
    shown = {}
    for group, figures in document["groups"].items():
        for name in COUNTS:
            if name in figures:
                shown[group, name] = figures[name]
        for source in SOURCES:
            shown[group, f"matched_{source}"] = figures["matched_by_source"][source]
        for code in DISPOSITIONS:
            shown[group, f"disposition_{code}"] = figures["dispositions"][code]
    for grouping, categories in document.get("groupings", {}).items():
        if categories != "withheld":
            for category, figures in categories.items():
                for name in GROUPINGS[grouping]:
                    shown[grouping, category, name] = figures[name]
    return shown


def counted(rows):
    """The same keys -> what is true of these rows."""
    table = flow.cells(rows)
    found = {(group, name): n for group in GROUPS for name, n in flow.count(table, group).items()}
    kinds = groupings.kinds(rows)
    for grouping, categories in groupings.counts(kinds, list(GROUPINGS)).items():
        for category, by_name in categories.items():
            found |= {(grouping, category, name): n for name, n in by_name.items()}
    return defaultdict(int, found)


def differences(rows, shown):
    """What subtraction would give, and no report shows."""
    table = flow.cells(rows)
    found = {
        (group, name): sum(n for cell, n in table.items() if flow.in_group(cell, group) and test(cell))
        for group in GROUPS
        for name, test in (IMPLIED | LOSSES).items()
    }  # fmt: skip
    true = counted(rows)
    for key in shown:
        for name, (whole, part) in DIFFERENCES.items():
            if len(key) == 3 and key[2] == whole:
                found[key[0], key[1], name] = true[key] - true[key[0], key[1], part]
    return found


def leaves(document, path=()):
    """Where each figure stands in a document, and the figure."""
    if isinstance(document, dict):
        for name, inner in document.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(document, list):
        for place, inner in enumerate(document):
            yield from leaves(inner, (*path, place))
    else:
        yield path, document


def told_otherwise(rows, document, benchmarks):
    """The shown figures that these rows have otherwise: more is told than the counts that are shown."""
    whole = report(rows, year=document["match_year"], benchmarks=benchmarks)
    true = dict(leaves(whole))
    return [
        path
        for path, value in leaves({part: document[part] for part in FIGURES if part in document})
        # a category without anybody stands in no report
        if value not in (HIDDEN, "withheld") and (value or 0) != (true.get(path) or 0)
    ]


def rotations(versions, k=11):
    """What letter rates tell at their best: completed rotations of all listings, of each category.

    At their best, since nobody did two. A listing with fewer than `k` tells nothing.
    """
    found = {}
    for rows in versions:
        for key, n in counted(rows).items():
            if key == ("all", "rows") or (key[0] not in flow.IMG_TYPES and key[-1] == "eligible"):
                found[key] = max(n, k, found.get(key, 0))
    return found


class JointAttacker:
    def __init__(self, versions, documents, benchmarks=(), most=None):
        """`most`: what a count can be at most, by what is known from elsewhere."""
        self.most = most or {}
        self.versions = versions
        self.documents = documents
        self.benchmarks = benchmarks
        self.shown = [flat(document) for document in documents]
        known = [{row.trainee_id: groupings.kind(row) for row in rows} for rows in versions]
        people = sorted(set().union(*known))
        self.histories = Counter(tuple(version.get(who) for version in known) for who in people)
        cells = Counter()
        for history, n in self.histories.items():
            cells[tuple(one and one.cell for one in history)] += n
        self.places = [("", cell) for cell in cells]
        self.ties = []
        for place, grouping in enumerate(GROUPINGS):
            arms = Counter()
            for history in self.histories:
                arms[
                    tuple(
                        one and (one.categories[place], self.core(grouping, one.cell))
                        for one in history
                    )
                ] += 1
            for arm in arms:
                self.places.append((grouping, arm))
            self.ties.append(grouping)
        self.index = {place: i for i, place in enumerate(self.places)}

    @staticmethod
    def core(grouping, cell):
        return tuple(COUNTS[name](cell) for name in GROUPINGS[grouping])

    def row_of(self, version, key):
        row = np.zeros(len(self.places))
        for i, (grouping, what) in enumerate(self.places):
            one = what[version]
            if one is None:
                continue
            if len(key) == 2 and grouping == "":
                test = (COUNTS | IMPLIED | LOSSES)[key[1]]
                row[i] = flow.in_group(one, key[0]) and test(one)
            elif grouping and grouping == key[0] and one[0] == key[1]:
                names = GROUPINGS[grouping]
                if key[2] in names:
                    row[i] = one[1][names.index(key[2])]
                else:
                    whole, part = (names.index(name) for name in DIFFERENCES[key[2]])
                    row[i] = one[1][whole] and not one[1][part]
        return row

    def conditions(self):
        rows, least, most = [], [], []
        for version, shown in enumerate(self.shown):
            for key, value in shown.items():
                rows.append(self.row_of(version, key))
                least.append(1 if value == HIDDEN else value)
                most.append(self.most.get(key, np.inf) if value == HIDDEN else value)
        for grouping in self.ties:
            both = defaultdict(lambda: np.zeros(len(self.places)))
            for i, (of, what) in enumerate(self.places):
                if of == "":
                    pattern = tuple(one and self.core(grouping, one) for one in what)
                    both[pattern][i] = -1
                elif of == grouping:
                    both[tuple(one and one[1] for one in what)][i] = 1
            rows += both.values()
            least += [0] * len(both)
            most += [0] * len(both)
        return np.array(rows), np.array(least), np.array(most)

    def secrets(self, k):
        found = {}
        for version, (rows, shown) in enumerate(zip(self.versions, self.shown, strict=True)):
            true = counted(rows)
            hidden = {key: true[key] for key, value in shown.items() if value == HIDDEN}
            for key, n in (hidden | differences(rows, shown)).items():
                if 0 < n < k:
                    found[version, key] = n
        return found

    def determined(self, k=11):
        """The secrets for which no other people give the same publications."""
        matrix, least, most = self.conditions()
        left = self.secrets(k)
        out = []
        while left:
            (version, key), value = next(iter(left.items()))
            row = self.row_of(version, key)
            answer = None
            for low, high in ((value + 1, np.inf), (-np.inf, value - 1)):
                found = milp(
                    np.zeros(len(self.places)),
                    integrality=np.ones(len(self.places)),
                    bounds=Bounds(0, np.inf),
                    constraints=LinearConstraint(
                        np.vstack([matrix, row]), [*least, low], [*most, high]
                    ),
                )
                if found.x is not None:
                    answer = np.rint(found.x).astype(int)
                    break
            if answer is None:
                out.append((version, key))
                del left[version, key]
                continue
            told = self.told(self.people(answer))
            assert told[version][key] != value
            left = {(v, name): n for (v, name), n in left.items() if told[v][name] == n}
        return out

    def people(self, answer):
        """Other people as rows of every version, who agree with these counts."""
        versions = [[] for _ in self.versions]
        arms = {grouping: defaultdict(list) for grouping in GROUPINGS}
        for i, (grouping, what) in enumerate(self.places):
            if grouping:
                pattern = tuple(one and one[1] for one in what)
                arms[grouping][pattern] += [what] * int(answer[i])
        number = 0
        for i, (grouping, cells) in enumerate(self.places):
            for _ in range(0 if grouping else int(answer[i])):
                number += 1
                sorted_as = {
                    name: arms[name][tuple(c and self.core(name, c) for c in cells)].pop()
                    for name in GROUPINGS
                }
                for version, cell in enumerate(cells):
                    if cell is None:
                        continue
                    facts = {
                        name: one[version][0]
                        for name, one in sorted_as.items()
                        if one[version][0] != groupings.NOT_KNOWN
                    }
                    if "wave" in facts:
                        facts["wave"] = int(facts["wave"])
                    versions[version].append(
                        replace(PanelRow(trainee_id=f"P{number}", **cell._asdict()), **facts)
                    )
        return versions

    def told(self, versions):
        """What these people would be published as: it must be what is published."""
        found = []
        for rows, shown, document in zip(versions, self.shown, self.documents, strict=True):
            assert told_otherwise(rows, document, self.benchmarks) == []
            true = counted(rows)
            for key, value in shown.items():
                if value == HIDDEN:
                    assert 1 <= true[key] <= self.most.get(key, np.inf), key
                else:
                    assert true[key] == value, key
            found.append(defaultdict(int, {**true, **differences(rows, shown)}))
        return found
