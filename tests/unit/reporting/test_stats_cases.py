"""The stats interface: answers, and refusals case by case."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.cli.analysis import stats
from marketplace.reporting.rules.stats_cases import (
    TOPICS,
    UnreadableDocument,
    answer_case,
    answer_document,
)

ROWS = [
    {"t": "x", "answered": 1, "applied": 1, "result": "matched"},
    {"t": "x", "answered": 1, "applied": 1, "result": "no"},
    {"t": "y", "answered": 1, "applied": 1, "result": "matched"},
    {"t": "y", "answered": 0, "applied": None, "result": None},
]
GOOD = {
    "ci_wilson": {"x": 3, "n": 9},
    "ci_clopper_pearson": {"x": 3, "n": 9, "conf": 0.9},
    "binom_exact_one_sample": {"x": 3, "n": 9, "p0": 0.5},
    "binom_benchmark_rounding": {"x": 3, "n": 9, "p0_printed": 0.5, "p0_low": 0.45, "p0_high": 0.55},
    "holm": {"p_values": {"a": 0.01, "b": 0.5}},
    "two_proportions": {"x1": 3, "n1": 9, "x2": 4, "n2": 8},
    "aapor_rates": {"I": 5, "P": 1, "R": 2, "NC": 3, "O": 0, "UH": 1, "UO": 1, "NE": 2},
    "manski_bounds_known_eligible": {"x": 3, "n_responded": 5, "n_eligible": 9},
    "manski_bounds_unknown_applicants": {
        "x_matched": 3, "n_active_applicants": 5, "n_nonrespondents_eligible_trainees": 4,
    },
    "tipping_point": {"x": 3, "n_responded": 5, "n_eligible": 9, "benchmark": 0.6},
    "weighting": {
        "rows": ROWS, "variables": ["t"], "respondent": "answered==1",
        "denominator": "applied==1", "numerator": "result==matched",
    },
    "suppress": {"k": 11, "base": {"a": 3, "b": 20}, "published": {"a": ["a"], "t": ["a", "b"]}},
    "audit": {
        "k": 11, "base": {"a": 3, "b": 20}, "published": {"a": ["a"], "t": ["a", "b"]},
        "hide": ["a"],
    },
}  # fmt: skip
KEYS = {
    "ci_wilson": "estimate lower upper",
    "ci_clopper_pearson": "estimate lower upper",
    "binom_exact_one_sample": "p_two_sided p_greater p_less",
    "binom_benchmark_rounding": "p_at_low p_at_printed p_at_high",
    "holm": "a b",
    "two_proportions": "diff newcombe_lower newcombe_upper fisher_p_two_sided score_chi2 "
    "score_p_two_sided risk_ratio rr_katz_lower rr_katz_upper",
    "aapor_rates": "e RR1 RR2 RR3 RR4 RR5 RR6 COOP1 COOP2 COOP3 COOP4 REF1 REF2 REF3 CON1 CON2 "
    "CON3",
    "manski_bounds_known_eligible": "estimate_respondents lower upper width",
    "manski_bounds_unknown_applicants": "estimate_respondents lower upper",
    "tipping_point": "nonrespondent_rate_at_which_panel_equals_benchmark possible",
    "weighting": "n_frame n_respondents n_applicants n_matched unweighted_rate "
    "poststratified_on_first_var raked_rate raked_applicant_total raked_weight_min "
    "raked_weight_max kish_design_effect_applicants kish_effective_n_applicants "
    "wilson_on_effective_n",
    "suppress": "hide",
    "audit": "safe exposed recovered",
}


def ask(topic, **changes):
    return answer_case({"topic": topic, "input": {**GOOD[topic], **changes}})


def refusal(topic, **changes):
    return ask(topic, **changes)["error"]["code"]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_answers_with_its_keys(topic):
    assert list(ask(topic)) == KEYS[topic].split()


@pytest.mark.parametrize(
    ("topic", "changes", "code"),
    [
        ("ci_wilson", {"x": 10}, "x_above_n"),
        ("ci_wilson", {"x": 1.5}, "not_whole"),
        ("ci_wilson", {"x": -1}, "negative"),
        ("ci_wilson", {"x": True}, "wrong_type"),
        ("ci_wilson", {"x": "3"}, "wrong_type"),
        ("ci_wilson", {"x": None}, "input_missing"),
        ("ci_wilson", {"x": [3]}, "wrong_type"),
        ("ci_wilson", {"n": float("nan")}, "not_finite"),
        ("ci_wilson", {"n": float("inf")}, "not_finite"),
        ("ci_wilson", {"n": 10**12}, "too_large"),
        ("ci_wilson", {"n": 10**400}, "too_large"),
        ("ci_wilson", {"conf": 95}, "confidence_out_of_range"),
        ("ci_wilson", {"conf": 1}, "confidence_out_of_range"),
        ("ci_wilson", {"conf": 0}, "confidence_out_of_range"),
        ("ci_wilson", {"conf": "95%"}, "wrong_type"),
        ("ci_wilson", {"conf": True}, "wrong_type"),
        ("ci_wilson", {"confidence": 0.9}, "input_unknown"),
        ("ci_clopper_pearson", {"conf": 95}, "confidence_out_of_range"),
        ("binom_exact_one_sample", {"p0": 61.2}, "not_a_proportion"),
        ("binom_exact_one_sample", {"p0": -0.1}, "not_a_proportion"),
        ("binom_benchmark_rounding", {"p0_low": 0.6}, "x_above_n"),
        ("holm", {"p_values": {"a": 1.2}}, "not_a_proportion"),
        ("holm", {"p_values": {"a": True}}, "wrong_type"),
        ("holm", {"p_values": [0.1]}, "wrong_type"),
        ("two_proportions", {"x2": 9}, "x_above_n"),
        ("aapor_rates", {"R": -2}, "negative"),
        ("aapor_rates", {"UH": None}, "input_missing"),
        ("aapor_rates", {"e": 1.5}, "not_a_proportion"),
        ("aapor_rates", {"e_rule": "whatever"}, "figure_refused"),
        ("aapor_rates", {"e_rule": "(I+X)/(I+NE)"}, "figure_refused"),
        ("aapor_rates", {"e_rule": "(I+"}, "figure_refused"),
        ("aapor_rates", {"e_rule": "I+P"}, "not_a_proportion"),
        ("manski_bounds_known_eligible", {"n_responded": 10}, "x_above_n"),
        ("manski_bounds_unknown_applicants", {"x_matched": 6}, "x_above_n"),
        ("tipping_point", {"benchmark": 67}, "not_a_proportion"),
        ("weighting", {"variables": ["z"]}, "unknown_column"),
        ("weighting", {"variables": []}, "input_missing"),
        ("weighting", {"numerator": "result"}, "wrong_type"),
        ("weighting", {"filter": "t==z"}, "figure_refused"),
        ("weighting", {"respondent": "t==x"}, "zero_cell"),
        ("weighting", {"microdata": "also.csv"}, "input_missing"),
        ("weighting", {"rows": None, "microdata": "nowhere.csv"}, "unreadable_data"),
        ("weighting", {"rows": [1]}, "wrong_type"),
        ("suppress", {"base": {"a": 1.5, "b": 2}}, "not_whole"),
        ("suppress", {"base": {"a": -1, "b": 2}}, "negative"),
        ("suppress", {"published": {"t": ["z"]}}, "cannot_hide"),
        ("suppress", {"k": 0}, "cannot_hide"),
        ("audit", {"hide": ["z"]}, "cannot_hide"),
        ("audit", {"hide": "a"}, "wrong_type"),
    ],
)
def test_wrong_input_is_refused_with_its_code(topic, changes, code):
    answer = ask(topic, **changes)
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


def test_one_bad_case_does_not_spoil_the_others():
    answers = answer_document(
        {
            "cases": [
                {"id": "good", "topic": "ci_wilson", "input": {"x": 1, "n": 2}},
                {"id": "bad", "topic": "ci_wilson", "input": {"x": 3, "n": 2}},
                {"id": "odd", "topic": "astrology", "input": {}},
                {"topic": "ci_wilson", "input": {"x": 1, "n": 2}},
                {"id": "good", "topic": "ci_wilson", "input": {"x": 2, "n": 2}},
                "nonsense",
                {"id": 7, "topic": "ci_wilson"},
                {"id": "list", "topic": "ci_wilson", "input": []},
            ]
        }
    )
    codes = {name: answer.get("error", {}).get("code") for name, answer in answers.items()}
    assert codes == {
        "good": None,
        "bad": "x_above_n",
        "odd": "unknown_topic",
        "case 4": "input_missing",
        "case 5": "input_unknown",
        "case 6": "input_missing",
        "7": "input_missing",
        "list": "wrong_type",
    }
    assert answers["good"]["estimate"] == 0.5


@pytest.mark.parametrize("document", [None, [], {}, {"cases": {}}, "x", {"cases": None}])
def test_a_document_without_cases_is_unreadable(document):
    with pytest.raises(UnreadableDocument):
        answer_document(document)


CASE = '{"id": "a", "topic": "ci_wilson", "input": {"x": 1, "n": 2}}'


def terminal(document):
    return CliRunner().invoke(stats, input=document)


def test_a_document_may_be_saved_with_a_byte_order_mark_and_is_utf8():
    document = f'{{"cases": [{CASE}]}}'
    marked = terminal(b"\xef\xbb\xbf" + document.encode())
    assert json.loads(marked.stdout)["a"]["estimate"] == 0.5
    nested = b'{"cases": [' + b"[" * 50_000
    for unreadable in (document.replace("a", "é").encode("latin-1"), nested, b"", b'{"cases": 1}'):
        refused = terminal(unreadable)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "the document can't be read: " in refused.stderr


def test_what_is_named_twice_is_refused_and_not_guessed():
    twice = '{"id": "b", "topic": "ci_wilson", "input": {"x": 1, "x": 2, "n": 2}}'
    whole = '{"id": "c", "id": "d", "topic": "ci_wilson", "input": {"x": 1, "n": 2}}'
    answers = json.loads(terminal(f'{{"cases": [{CASE}, {twice}, {whole}]}}').stdout)
    assert answers["a"]["estimate"] == 0.5
    assert answers["b"]["error"]["message"].endswith("not an object that names x twice")
    assert answers["case 3"]["error"]["message"] == "case 3 is an object that names id twice"
    assert terminal('{"cases": [], "cases": []}').exit_code == 1


def test_e_by_rule_and_given():
    known = 11 / 13
    assert ask("aapor_rates")["e"] == known
    assert ask("aapor_rates", e_rule="(I+P+R+NC+O)/(I+P+R+NC+O+NE)")["e"] == known
    assert ask("aapor_rates", e_rule="e = (I+P+R+NC+O) / (I+P+R+NC+O+NE)")["e"] == known
    assert ask("aapor_rates", e_rule="proportional")["e"] == known
    assert ask("aapor_rates", e_rule="CASRO")["e"] == known
    assert ask("aapor_rates", e=0.5)["e"] == 0.5
    assert ask("aapor_rates", e=0.5, NE=None)["RR3"] == 5 / 12
    assert ask("aapor_rates", e_rule="I/UH", UH=0, UO=0)["e"] is None


def test_zero_over_zero_is_null():
    assert ask("ci_wilson", x=0, n=0) == {"estimate": None, "lower": None, "upper": None}
    assert ask("two_proportions", x1=0, x2=0)["risk_ratio"] is None
    assert ask("tipping_point", n_eligible=5) == {
        "nonrespondent_rate_at_which_panel_equals_benchmark": None,
        "possible": False,
    }
    assert ask("manski_bounds_known_eligible", x=0, n_responded=0, n_eligible=0)["lower"] is None


def test_a_whole_number_may_be_written_with_a_point():
    assert ask("ci_wilson", x=3.0) == ask("ci_wilson", x=3)


def test_weighting_from_rows():
    answer = ask("weighting")
    assert answer["n_frame"] == 4
    assert answer["raked_rate"] == pytest.approx(3 / 4)
    assert ask("weighting", filter="t==x")["raked_rate"] == pytest.approx(1 / 2)
    assert ask("weighting", filter="t!=y")["raked_rate"] == pytest.approx(1 / 2)
    assert ask("weighting", filter="none") == answer


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(-1, 12), max_size=3),
    st.sampled_from([10**400, -(10**400), 1e308, -0.0, 10**9]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_no_input_is_an_accident(data):
    """Whatever stands in an input, the answer is figures or an error, as strict JSON."""
    topic = data.draw(st.sampled_from(sorted(GOOD)))
    names = data.draw(st.sets(st.sampled_from(sorted(GOOD[topic])), min_size=1))
    answer = ask(topic, **{name: data.draw(ODD) for name in names})
    json.dumps(answer, allow_nan=False)


def test_the_rules_load_without_the_numeric_libraries():
    code = (
        "import pkgutil, importlib, sys, marketplace.reporting.rules as rules\n"
        "for m in pkgutil.iter_modules(rules.__path__):\n"
        "    importlib.import_module(f'{rules.__name__}.{m.name}')\n"
        "import marketplace.reporting.service.panel_report\n"
        "heavy = {'scipy', 'numpy', 'flask', 'sqlalchemy', 'marshmallow', 'polars', 'altair'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_an_answer_is_alone_on_standard_output():
    """The solver's own code prints a line for some tables; a reader of JSON would trip over it."""
    code = (
        "import os\n"
        "from marketplace.cli import analysis\n"
        "solve = analysis.answer_document\n"
        "def noisy(document):\n"
        "    os.write(1, b'a line of the solver')\n"
        "    return solve(document)\n"
        "analysis.answer_document = noisy\n"
        "analysis.stats()"
    )
    given = json.dumps({"cases": [{"id": "a", "topic": "ci_wilson", "input": {"x": 1, "n": 2}}]})
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["a"]["estimate"] == 0.5
    assert done.stderr == "a line of the solver"
