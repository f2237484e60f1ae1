"""PDF, and pictures, by Typst, from the templates in `templates/`.

Data goes in as JSON through `sys.inputs`, never as source, so that no name or address can be
typesetting code. Typst is imported with the first document: few but workers set any.

A text under `qr` is drawn as a QR code (ISO/IEC 18004, level M): templates find its rows of `0` and
`1` under `qr_rows`.
"""

import importlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_]*")
EPOCH = 0
PPI = 144.0
# The library's name for level M: a seventh of the code may be lost.
MEDIUM = 0


class TemplateMissing(LookupError):
    """No template has this name: a mistake of ours."""


class TypstRenderer:
    """Serves `PdfRenderer`. The same data gives the same bytes."""

    def render(self, template: str, data: Mapping[str, Any]) -> bytes:
        return self._set(template, data, format="pdf", timestamp=EPOCH)

    def picture(self, template: str, data: Mapping[str, Any]) -> bytes:
        return self._set(template, data, format="png", ppi=PPI)

    def _set(self, template: str, data: Mapping[str, Any], **how: Any) -> bytes:
        # System fonts differ from machine to machine; those inside Typst don't.
        made: bytes = self._typst.compile(
            _source(template),
            sys_inputs={"data": json.dumps(_with_code(data))},
            ignore_system_fonts=True,
            **how,
        )
        return made

    @cached_property
    def _typst(self) -> Any:
        return importlib.import_module("typst")


def _with_code(data: Mapping[str, Any]) -> dict[str, Any]:
    if "qr" not in data:
        return dict(data)
    drawn = importlib.import_module("qrcode").QRCode(error_correction=MEDIUM, border=0)
    drawn.add_data(data["qr"])
    drawn.make()
    rows = ["".join("1" if dark else "0" for dark in row) for row in drawn.get_matrix()]
    return {**data, "qr_rows": rows}


def _source(template: str) -> bytes:
    folder = files("marketplace.adapters") / "templates"
    path = folder / f"{template}.typ"
    if not NAME.fullmatch(template) or not path.is_file():
        raise TemplateMissing(template)
    return path.read_bytes()
