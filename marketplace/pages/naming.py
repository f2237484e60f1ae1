"""The summary of what is wrong on a page: each error begins with what its field is called there."""

import re

# A field's label or the legend of its boxes, and its place in the summary of what is wrong.
LABEL = re.compile(
    r'<(?:label for|fieldset(?=[^>]*\sid=)[^>]*?\sid)="([^"]+)"[^>]*>(?:\s*<legend[^>]*>)?(.*?)'
    r"</(?:label|legend)>",
    re.DOTALL,
)
SUMMED = re.compile(r'<a href="#[^"]*" data-names="(?P<name>[^"]*)">')
TAG = re.compile(r"<[^>]*>")


def named(html: str) -> str:
    """Have each error in the summary of a page begin with what its field is called there."""
    labels = {name: TAG.sub("", text).strip() for name, text in LABEL.findall(html)}

    def begin(link: re.Match[str]) -> str:
        label = labels.get(link["name"])
        return f'<a href="#{link["name"]}">' + (f"<strong>{label}</strong>: " if label else "")

    return SUMMED.sub(begin, html)
