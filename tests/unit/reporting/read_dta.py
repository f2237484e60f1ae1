"""Reads Stata files by pandas, whose reader is its own."""

import io

import pandas as pd


def read(content):
    """Return names, columns by name (missing values as `.u`), labels of variables and of values."""
    with pd.read_stata(
        io.BytesIO(content), convert_categoricals=False, convert_missing=True, iterator=True
    ) as reader:
        frame = reader.read()
        columns = {
            name: [getattr(cell, "string", cell) for cell in frame[name]] for name in frame.columns
        }
        return list(frame.columns), columns, reader.variable_labels(), reader.value_labels()
