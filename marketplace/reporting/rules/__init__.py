"""The arithmetic of a report: pure functions from counts and rows to figures.

Nothing here knows of the web, the database or a file's place. scipy and numpy are loaded inside
the few functions that need them, so that importing this package stays cheap.
A rate without a denominator (0/0) is None everywhere, never 0 and never an error.
"""
