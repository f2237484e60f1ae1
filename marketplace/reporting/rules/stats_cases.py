"""The `stats` interface: cases in, answers out, through the functions that reports use.

A case that can't be answered gets an error with a code and a message, and the others are
answered all the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from marketplace.core.errors import DomainError
from marketplace.reporting.errors import (
    InputMissing,
    InputUnknown,
    OutOfOrder,
    UnknownTopic,
    WrongType,
)
from marketplace.reporting.rules import aapor, bounds
from marketplace.reporting.rules.e_rules import share_eligible_by
from marketplace.reporting.rules.exact_tests import (
    benchmark_rounding,
    binomial_test,
    check_proportion,
    holm,
)
from marketplace.reporting.rules.intervals import Interval, clopper_pearson, wilson
from marketplace.reporting.rules.microdata import kinds_from
from marketplace.reporting.rules.proportions import compare
from marketplace.reporting.rules.stats_input import Ambiguous, Inputs, finite, kind
from marketplace.reporting.rules.suppression import Table, audit, suppress
from marketplace.reporting.rules.weighting import weigh

Answer = dict[str, Any]
CATEGORIES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")


class UnreadableDocument(DomainError):
    """The whole document can't be read, so no case can be answered."""

    code = "unreadable_document"
    status = 422
    title = "The document can't be read."


def answer_document(document: object) -> dict[str, Any]:
    """Answers by case id for `{"cases": [{"id", "topic", "input"}]}`, in the order of the cases.

    A case without an id, with that of an earlier case, or that names something twice, is answered
    with an error under its place. Raises UnreadableDocument where the document is no such object.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("cases"), list):
        raise UnreadableDocument('the document must be an object with a list "cases"')
    answers: dict[str, Any] = {}
    for place, case in enumerate(document["cases"], start=1):
        name = case.get("id") if isinstance(case, Mapping) else None
        if isinstance(case, Ambiguous):
            answers[f"case {place}"] = _error(InputUnknown(f"case {place} is {kind(case)}"))
        elif isinstance(name, bool) or not isinstance(name, str | int) or name == "":
            answers[f"case {place}"] = _error(InputMissing(f"case {place} has no id"))
        elif str(name) in answers:
            answers[f"case {place}"] = _error(InputUnknown(f"an earlier case has the id {name}"))
        else:
            answers[str(name)] = answer_case(case)
    return answers


def answer_case(case: Mapping[str, Any]) -> Answer:
    """One case's answer, or its error."""
    try:
        topic = case.get("topic")
        if not isinstance(topic, str) or topic not in TOPICS:
            raise UnknownTopic(f"topic is {topic!r}; it must be one of {', '.join(TOPICS)}")
        given = case.get("input")
        if given is None:
            raise InputMissing("input is needed")
        if not isinstance(given, Mapping):
            raise WrongType(f"input must be an object, not {kind(given)}")
        return TOPICS[topic](Inputs(given))
    except DomainError as error:
        return _error(error)


def _error(error: DomainError) -> Answer:
    return {"error": {"code": error.code, "message": str(error)}}


def _interval(interval: Interval) -> Answer:
    return asdict(interval)


def _ci_wilson(given: Inputs) -> Answer:
    return _interval(wilson(*given.part_and_whole("x", "n"), given.confidence()))


def _ci_clopper_pearson(given: Inputs) -> Answer:
    return _interval(clopper_pearson(*given.part_and_whole("x", "n"), given.confidence()))


def _binom_exact(given: Inputs) -> Answer:
    return asdict(binomial_test(*given.part_and_whole("x", "n"), given.proportion("p0")))


def _binom_rounding(given: Inputs) -> Answer:
    x, n = given.part_and_whole("x", "n")
    printed = given.proportion("p0_printed")
    low, high = given.proportion("p0_low"), given.proportion("p0_high")
    if not low <= printed <= high:
        raise OutOfOrder("p0_low, p0_printed and p0_high must be in this order")
    return asdict(benchmark_rounding(x, n, printed, low, high))


def _holm(given: Inputs) -> Answer:
    return dict(
        holm({name: finite(p, f"p_values.{name}") for name, p in given.mapping("p_values").items()})
    )


def _two_proportions(given: Inputs) -> Answer:
    first, second = given.part_and_whole("x1", "n1"), given.part_and_whole("x2", "n2")
    found = compare(*first, *second, given.confidence())
    return {
        "diff": found.difference.estimate,
        "newcombe_lower": found.difference.lower,
        "newcombe_upper": found.difference.upper,
        "fisher_p_two_sided": found.fisher_p_two_sided,
        "score_chi2": found.score_chi2,
        "score_p_two_sided": found.score_p_two_sided,
        "risk_ratio": found.risk_ratio.estimate,
        "rr_katz_lower": found.risk_ratio.lower,
        "rr_katz_upper": found.risk_ratio.upper,
    }


def _aapor(given: Inputs) -> Answer:
    # how many are not eligible matters only where e is worked out from it
    optional = {"NE"} if given.has("e") else set()
    counts = {
        name: given.count(name) for name in CATEGORIES if name not in optional or given.has(name)
    }
    cases = aapor.Dispositions(**counts)
    if given.has("e"):
        return dict(aapor.rates_at(cases, given.proportion("e")))
    if given.has("e_rule"):
        return dict(aapor.rates_at(cases, share_eligible_by(given.text("e_rule"), cases)))
    return dict(aapor.rates(cases))


def _bounds(found: bounds.Bounds) -> Answer:
    return asdict(found)


def _manski_known(given: Inputs) -> Answer:
    x, responded = given.part_and_whole("x", "n_responded")
    _, eligible = given.part_and_whole("n_responded", "n_eligible")
    found = bounds.known_eligible(x, responded, eligible)
    return {**_bounds(found), "width": found.width}


def _manski_unknown(given: Inputs) -> Answer:
    x, applicants = given.part_and_whole("x_matched", "n_active_applicants")
    silent = given.count("n_nonrespondents_eligible_trainees")
    return _bounds(bounds.unknown_applicants(x, applicants, silent))


def _tipping_point(given: Inputs) -> Answer:
    x, responded = given.part_and_whole("x", "n_responded")
    _, eligible = given.part_and_whole("n_responded", "n_eligible")
    benchmark = given.number("benchmark")
    check_proportion(benchmark, "benchmark")
    found = bounds.tipping_point(x, responded, eligible, benchmark)
    return {
        "nonrespondent_rate_at_which_panel_equals_benchmark": found.rate,
        "possible": found.possible,
    }


def _weighting(given: Inputs) -> Answer:
    variables = given.texts("variables")
    found = weigh(kinds_from(given, variables), variables, given.confidence())
    return {**asdict(found), "wilson_on_effective_n": found.wilson_on_effective_n.limits()}


def _table(given: Inputs) -> Table:
    return Table(
        k=given.count("k"),
        base=given.counts_by_name("base"),
        published=given.texts_by_name("published"),
    )


def _suppress(given: Inputs) -> Answer:
    return {"hide": suppress(_table(given))}


def _audit(given: Inputs) -> Answer:
    found = audit(_table(given), given.texts("hide"))
    recovered = {name: list(extent) for name, extent in found.recovered.items()}
    return {"safe": found.safe, "exposed": found.exposed, "recovered": recovered}


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = MappingProxyType(
    {
        "ci_wilson": _ci_wilson,
        "ci_clopper_pearson": _ci_clopper_pearson,
        "binom_exact_one_sample": _binom_exact,
        "binom_benchmark_rounding": _binom_rounding,
        "holm": _holm,
        "two_proportions": _two_proportions,
        "aapor_rates": _aapor,
        "manski_bounds_known_eligible": _manski_known,
        "manski_bounds_unknown_applicants": _manski_unknown,
        "tipping_point": _tipping_point,
        "weighting": _weighting,
        "suppress": _suppress,
        "audit": _audit,
    }
)
