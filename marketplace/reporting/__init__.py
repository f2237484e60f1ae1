"""Figures about outcomes that a statistician would sign.

Owns: the registry of published Match benchmarks, cohorts and their reports, the statistics in
`rules`, the suppression of small cells, the sentences that may be made from figures, and the
exports. Reads across the other packages' tables in `queries` and writes only its own.

Promises: a report as of a date gives the same figures for ever; no published figure lets a
hidden small cell be recovered; every rate carries its numerator, denominator, interval, response
rate and bounds; no sentence compares with a benchmark except through `rules.claims`.

Refuses: a benchmark of another Match year, population or metric, or of status `disputed` or
`seed_only`; a rate without a denominator; figures made from cells that it could not read.
"""
