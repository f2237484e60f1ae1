"""PDF by Typst, from the templates in `templates/`.

Data goes in as JSON through `sys.inputs`, never as source, so that no name or address can be
typesetting code. Typst is imported with the first document: only workers set any.
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


class TemplateMissing(LookupError):
    """No template has this name: a mistake of ours."""


class TypstRenderer:
    """Serves `PdfRenderer`. The same data gives the same bytes."""

    def render(self, template: str, data: Mapping[str, Any]) -> bytes:
        # System fonts differ from machine to machine; those inside Typst don't.
        pdf: bytes = self._typst.compile(
            _source(template),
            format="pdf",
            sys_inputs={"data": json.dumps(data)},
            ignore_system_fonts=True,
            timestamp=EPOCH,
        )
        return pdf

    @cached_property
    def _typst(self) -> Any:
        return importlib.import_module("typst")


def _source(template: str) -> bytes:
    folder = files("marketplace.adapters") / "templates"
    path = folder / f"{template}.typ"
    if not NAME.fullmatch(template) or not path.is_file():
        raise TemplateMissing(template)
    return path.read_bytes()
