"""JSON Lines: an object a row, keys in the codebook's order; flags and counts are numbers."""

import json
from itertools import repeat
from json.encoder import encode_basestring
from operator import mod
from typing import IO

from marketplace.reporting.rules.codebook import VARIABLES
from marketplace.reporting.rules.formats.table import Table

_LINE = "{" + ", ".join(f"{json.dumps(variable.name)}: %s" for variable in VARIABLES) + "}\n"


def write(out: IO[bytes], table: Table) -> int:
    """Write all rows; missing codes are numbers among numbers and text among text."""
    for columns in table.batches():
        cells = [
            column if variable.numeric else map(encode_basestring, column)
            for variable, column in zip(VARIABLES, columns, strict=True)
        ]
        lines = map(mod, repeat(_LINE), zip(*cells, strict=True))
        out.write("".join(lines).encode())
    return 0
