"""Every page of the documentation is found from its first page."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
LINK = re.compile(r"\]\(([^)#:]+\.md)")


def test_every_page_is_found_from_the_first():
    found: set[Path] = set()
    ahead = [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in found:
            continue
        found.add(page)
        ahead += [(page.parent / link).resolve() for link in LINK.findall(page.read_text())]
    lost = set(DOCS.rglob("*.md")) - found
    assert not lost, sorted(str(page.relative_to(DOCS)) for page in lost)
