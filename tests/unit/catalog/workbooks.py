"""Workbooks for tests: as a spreadsheet program writes them, and as an attacker does."""

import io
import zipfile

import xlsxwriter

from tests.unit.catalog.sheets import GOOD


def book(rows, *, sheets=("Listings",), start=(0, 0), hidden=()):
    """A workbook whose first named sheet has `rows`; a cell `("=…", value)` is a formula."""
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    for name in sheets:
        sheet = made.add_worksheet(name)
        if name == sheets[-1]:
            sheet.activate()
        if name in hidden:
            sheet.hide()
        for number, row in enumerate(rows, start[0]) if name == sheets[-1] else ():
            for place, value in enumerate(row, start[1]):
                if isinstance(value, tuple):
                    sheet.write_formula(number, place, value[0], None, value[1])
                elif isinstance(value, str):
                    sheet.write_string(number, place, value)
                else:
                    sheet.write(number, place, value)
    made.close()
    return file.getvalue()


def listings(*rows, columns=tuple(GOOD), **options):
    return book([columns, *([row.get(name, "") for name in columns] for row in rows)], **options)


def parts_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuilt(parts, *, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_part(content, name, new):
    """The workbook with a part replaced by bytes, or by what a function makes of it."""
    parts = parts_of(content)
    parts[name] = new(parts[name]) if callable(new) else new
    return rebuilt(parts)
