"""Documents: the same data gives the same bytes, and data is never typesetting."""

import pytest

from marketplace.adapters.pdf import TemplateMissing, TypstRenderer

RECEIPT = {
    "number": "000001",
    "legal_entity": "Rotation Marketplace, Inc.",
    "issued_on": "2026-11-22",
    "payer": {"name": "Asha Rao", "email": "asha@example.org"},
    "for": "Internal Medicine, 4 weeks",
    "reference": "01900000-0000-7000-8000-000000000000",
    "lines": [{"description": "Rotation, 4 weeks", "amount": "380.80 USD"}],
    "total": "380.80 USD",
    "paid_on": "2026-11-22",
    "method": "card",
    "remark": "This is the deposit.",
}


@pytest.fixture(scope="module")
def renderer():
    return TypstRenderer()


def test_a_receipt_is_the_same_bytes_each_time(renderer):
    first = renderer.render("receipt", RECEIPT)
    assert first.startswith(b"%PDF-1.7")
    assert renderer.render("receipt", RECEIPT) == first
    assert renderer.render("receipt", {**RECEIPT, "number": "000002"}) != first


@pytest.mark.parametrize(
    "name",
    [
        '#read("/etc/passwd")',
        "#panic()",
        "$ x ^",
        "*_`[]{}<>@\\",
        '"}',
        "Łukasz Ñandú Ελένη Иван",
        "2026-02-31 2026-13-01 2026-12-39 01900000-2026-7000-8000-000000000000",
        "x" * 5_000,
        "",
    ],
)
def test_a_name_is_text_whatever_it_looks_like(renderer, name):
    payer = {"name": name, "email": name}
    lines = [{"description": name, "amount": name}] * 60
    assert renderer.render("receipt", {**RECEIPT, "payer": payer, "lines": lines})


@pytest.mark.parametrize("template", ["none", "../receipt", "receipt.typ", ""])
def test_only_our_templates_are_set(renderer, template):
    with pytest.raises(TemplateMissing):
        renderer.render(template, RECEIPT)
