"""The arithmetic of figures, and the form of their lines."""

import json

import pytest

from benchmarks.figures import (
    NONE_YET,
    Figure,
    Target,
    failures,
    latencies,
    of_small_sizes,
    percentile,
    significant,
)


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1), (50, 50), (95, 95), (99, 99), (99.1, 100), (100, 100)]
)
def test_a_percentile_is_a_value_of_the_sample(percent, expected):
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_one_value_is_every_percentile():
    assert {percentile([7.0], percent) for percent in (0.1, 50, 100)} == {7.0}


@pytest.mark.parametrize(("sample", "percent"), [([], 50), ([1.0], 0), ([1.0], 100.5)])
def test_what_has_no_percentile_is_refused(sample, percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile(sample, percent)


def test_latencies_are_milliseconds():
    shown = latencies([0.001, 0.002, 0.003, 0.010])
    assert shown == {"count": 4, "p50": 2.0, "p95": 10.0, "p99": 10.0, "longest": 10.0}
    assert latencies([]) == {"count": 0}


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, None), (0, 0), (123456.0, 123456), (1.23456, 1.235), (0.000123456, 0.0001235)],
)
def test_significant_digits(number, shown):
    assert significant(number) == shown


def test_the_line_of_a_figure_with_a_target():
    figure = Figure(
        "export.peak_memory",
        120.0,
        "MiB",
        "the process before it exports",
        96.0,
        Target("value", "below", 150),
        {"rows": 10},
    )
    assert json.loads(figure.line()) == {
        "name": "export.peak_memory",
        "value": 120,
        "unit": "MiB",
        "against": {"name": "the process before it exports", "value": 96},
        "ratio": 1.25,
        "target": "value below 150",
        "holds": True,
        "detail": {"rows": 10},
    }


def test_without_a_target_nothing_holds_or_fails():
    line = json.loads(Figure("booking.hot", 10.0, "bookings/s", "yardstick", 40.0).line())
    assert (line["target"], line["holds"], line["ratio"]) == (None, None, 0.25)
    assert line["detail"] == {"target": NONE_YET}


@pytest.mark.parametrize(
    ("direction", "measured", "met"),
    [
        *(("below", 1.0, False), ("below", 0.99, True)),
        *(("at most", 1.0, True), ("at most", 1.01, False)),
        *(("at least", 1.0, True), ("at least", 0.99, False)),
    ],
)
def test_limits(direction, measured, met):
    assert Target("value", direction, 1.0).met_by(measured) is met


def test_a_ratio_that_could_not_be_measured_does_not_hold():
    target = Target("ratio", "at least", 0.5)
    assert Figure("a", 1.0, "x/s", "b", 0.0, target).holds is False
    assert Figure("a", 1.0, "x/s", "b", None, target).holds is False
    assert Figure("a", 1.0, "x/s", "b", 2.0, target).holds is True


def test_failures_are_the_targets_that_are_missed():
    limit = Target("value", "at most", 1.0)
    figures = [
        Figure("met", 1.0, "s", target=limit),
        Figure("missed", 2.0, "s", target=limit),
        Figure("without", 3.0, "s"),
    ]
    assert failures(figures) == ["missed"]


def test_small_sizes_are_judged_by_values_and_not_by_ratios():
    rate = Figure("booking.hot", 90.0, "1/s", "yardstick", 300.0, Target("ratio", "at least", 0.35))
    sold = Figure("booking.oversold", 1.0, "seats", target=Target("value", "at most", 0))
    plain = Figure("request.hold", 5.0, "CPU ms")
    shown = [of_small_sizes(figure) for figure in (rate, sold, plain)]
    assert failures(shown) == ["booking.oversold"]
    assert json.loads(shown[0].line())["detail"]["target"] == "ratio at least 0.35 at full size"
    assert shown[1:] == [sold, plain]
