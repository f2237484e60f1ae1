"""Pages by Tab, Enter and typing alone; each stop on the way shows that it is one."""

from playwright.sync_api import Page

MOST_STOPS = 150
# The name, and the width of the outline, of what has the focus.
FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const label = one.labels && one.labels[0];
  return {
    tag: one.tagName,
    name: (label || one).textContent.trim().replace(/\\s+/g, " "),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
  };
}"""


def tab_to(page: Page, name: str) -> None:
    """Go on by the tabulator to what is called so, or begins so."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        # Between the document's end and its beginning the browser itself has the focus.
        assert stop["tag"] in {"BODY", "HTML"} or stop["outline"] >= 2, stop
        if stop["name"].startswith(name):
            return
    raise AssertionError(f"{name} can't be reached by the tabulator at {page.url}")


def fill(page: Page, *fields: tuple[str, str]) -> None:
    """Type into fields by their labels; the last one is sent by Enter."""
    for label, text in fields:
        tab_to(page, label)
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def choose(page: Page, name: str) -> None:
    """Go to a link or a button, and press Enter on it."""
    tab_to(page, name)
    page.keyboard.press("Enter")
