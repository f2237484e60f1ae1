"""Rules for e, the share of the unknown cases that is taken as eligible.

A rule is either named, and then it is the share among the cases of known eligibility, or written
out in the disposition letters, such as `(I+P+R+NC+O)/(I+P+R+NC+O+NE)`.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType

from marketplace.reporting.errors import FigureRefused
from marketplace.reporting.rules.aapor import Dispositions
from marketplace.reporting.rules.exact_tests import check_proportion

LONGEST = 200
# words that name the share among the known, which CASRO and AAPOR call proportional allocation
NAMED = re.compile(
    r"casro|proportion|alloc|default|standard|known|eligib|aapor|observed|resolved", re.IGNORECASE
)
FORMULA = r"[A-Z0-9(). ]*[+\-*/][A-Z0-9+\-*/(). ]*"
OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
    }
)


def share_eligible_by(rule: str, cases: Dispositions) -> float | None:
    """E by a rule; None where it is 0/0. Refuses a rule that is neither named nor a formula."""
    formula = rule.rsplit("=", 1)[-1].strip()
    if len(formula) <= LONGEST and re.fullmatch(FORMULA, formula):
        try:
            value = _value(ast.parse(formula, mode="eval").body, asdict(cases))
        except ZeroDivisionError:
            return None
        except SyntaxError as error:
            raise FigureRefused(f"e_rule {rule!r} is no formula") from error
        check_proportion(value, "e by the given rule")
        return value
    if NAMED.search(rule):
        return cases.share_eligible()
    raise FigureRefused(
        f"e_rule {rule!r} is not known; name the proportional rule, write a formula such as "
        "(I+P+R+NC+O)/(I+P+R+NC+O+NE), or give e itself"
    )


def _value(node: ast.expr, counts: Mapping[str, int]) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left, counts), _value(node.right, counts))
    if isinstance(node, ast.Name) and node.id in counts:
        return counts[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    raise FigureRefused(f"e_rule may use {', '.join(counts)}, numbers and + - * / ( )")
