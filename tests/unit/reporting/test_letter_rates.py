"""The letter rate of a listing: no series of figures gives a small count away."""

from random import Random

import pytest

from marketplace.reporting.rules.letter_rates import Counts, may_publish

K = 11


@pytest.mark.parametrize(
    ("completed", "with_letter", "may"),
    [
        (0, 0, False),
        (10, 0, False),
        (11, 0, True),
        (22, 11, True),
        (22, 10, False),
        (30, 25, False),
    ],
)
def test_a_first_figure_has_no_small_count(completed, with_letter, may):
    assert may_publish(Counts(completed, with_letter), [], K) is may


def test_a_next_figure_is_none_of_a_few():
    first = Counts(40, 20)
    assert not may_publish(first, [first], K)
    # One letter more of an old rotation would be somebody's.
    assert not may_publish(Counts(40, 21), [first], K)
    assert not may_publish(Counts(55, 25), [first], K)
    assert may_publish(Counts(62, 31), [first], K)
    # Far enough from the last, and not from the one before.
    assert not may_publish(Counts(62, 31), [Counts(57, 20), first], K)


def test_whoever_keeps_every_figure_learns_no_small_count():
    random = Random(44)
    for _ in range(50):
        completed = with_letter = 0
        published: list[Counts] = []
        for _ in range(400):
            completed += random.random() < 0.7
            with_letter += random.random() < 0.4 and with_letter < completed
            now = Counts(completed, with_letter)
            if may_publish(now, published, K):
                published.append(now)
        assert published
        for place, one in enumerate(published):
            for other in [Counts(0, 0), *published[:place]]:
                learned = [abs(a - b) for a, b in zip(one.cells, other.cells, strict=True)]
                assert not [count for count in learned if 0 < count < K]
