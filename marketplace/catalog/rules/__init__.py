"""The catalogue's rules as pure functions: no clock, no database, no network.

`tiers` classifies clinical experience, `eligibility` explains who may book, `weeks` counts in
Mondays, `spreadsheet` reads a host's sheet, `policies` holds cancellation terms as data.
"""
