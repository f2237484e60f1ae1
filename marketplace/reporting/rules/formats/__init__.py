"""The formats of an export: each is written from the same rows by the same codebook.

Rows come in batches and go out as they come, so memory does not grow with their number. A writer
takes an open file and a `Table`, and returns how many texts were longer than the format has room
for and were cut.
"""
