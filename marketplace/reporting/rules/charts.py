"""Charts as shapes, and shapes as SVG: for a page, where a style sheet paints, or for paper.

A chart is made from what is published and nothing else, so that it shows what its table shows:
where a figure is hidden there is the symbol for hidden, and no mark at any place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from marketplace.reporting.rules.showing import HIDDEN

WIDTH = 720.0
GUTTER = 210.0
RIGHT = 60.0
ROW = 30.0
TOP = 34.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
Limits = tuple[float, float]

# on paper there is no style sheet: what each kind of shape looks like there
PAPER: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "grid": {"stroke": "#d5dae1", "stroke-width": "1"},
        "label": {"fill": "#1b2430", "font-size": "13"},
        "small": {"fill": "#4a5666", "font-size": "12"},
        "bound": {"fill": "#c9d9ea"},
        "interval": {"stroke": "#0a4f94", "stroke-width": "3"},
        "mark": {"fill": "#0a4f94"},
        "benchmark": {"stroke": "#96201b", "stroke-width": "3"},
        "box": {"fill": "#eaeef3", "stroke": "#4a5666"},
        "loss": {"fill": "#704700", "font-size": "12"},
        "bar": {"fill": "#0a4f94"},
        "link": {"stroke": "#4a5666", "stroke-width": "2"},
    }
)


@dataclass(frozen=True, slots=True)
class Shape:
    """An element of SVG: its tag, the kind that it is painted by, its place, its text."""

    tag: str
    kind: str
    place: Mapping[str, float | str]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a ground of `WIDTH` by `height`."""

    height: float
    shapes: Sequence[Shape]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A line of a forest plot, in proportions; None is hidden or not known."""

    label: str
    rate: float | None
    interval: Limits | None = None
    bounds: Limits | None = None
    benchmark: float | None = None
    said: str = HIDDEN


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a flow: what is counted, how many as they are written, what was lost before it."""

    label: str
    count: str
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its name, its length (None is hidden), and that in words."""

    label: str
    value: float | None
    said: str


def forest(estimates: Sequence[Estimate]) -> Drawing:
    """Rates with intervals, over their bounds, against the published rate, from 0 to 100%."""
    height = TOP + ROW * len(estimates) + 8
    shapes = _scale(height)
    for i, one in enumerate(estimates):
        middle = TOP + ROW * i + ROW / 2
        shapes.append(_text("label", GUTTER - 12, middle + 4, one.label, "end"))
        if one.bounds is not None:
            low, high = (_x(limit) for limit in one.bounds)
            place = {"x": low, "y": middle - 8, "width": max(high - low, 1.0), "height": 16.0}
            shapes.append(Shape("rect", "bound", place))
        if one.benchmark is not None:
            at = _x(one.benchmark)
            shapes.append(_line("benchmark", at, middle - 11, at, middle + 11))
        if one.interval is not None:
            low, high = (_x(limit) for limit in one.interval)
            shapes.append(_line("interval", low, middle, high, middle))
        if one.rate is None:
            shapes.append(_text("small", GUTTER + 6, middle + 4, one.said, "start"))
        else:
            shapes.append(Shape("circle", "mark", {"cx": _x(one.rate), "cy": middle, "r": 5.0}))
            shapes.append(_text("small", WIDTH, middle + 4, one.said, "end"))
    return Drawing(height, shapes)


def flow(steps: Sequence[Step]) -> Drawing:
    """Steps from top to bottom, with what is lost between two of them beside the way."""
    tall, gap, left, wide = 34.0, 24.0, 60.0, 360.0
    shapes: list[Shape] = []
    for i, step in enumerate(steps):
        top = 2 + i * (tall + gap)
        if i:
            shapes.append(_line("link", left + wide / 2, top - gap, left + wide / 2, top))
        if step.lost:
            shapes.append(_line("link", left + wide / 2, top - gap / 2, left + wide, top - gap / 2))
            shapes.append(_text("loss", left + wide + 8, top - gap / 2 + 4, step.lost, "start"))
        place = {"x": left, "y": top, "width": wide, "height": tall, "rx": 4.0}
        shapes.append(Shape("rect", "box", place))
        shapes.append(_text("label", left + 12, top + 22, step.label, "start"))
        shapes.append(_text("label", left + wide - 12, top + 22, step.count, "end"))
    return Drawing(4 + len(steps) * (tall + gap) - gap, shapes)


def bars(items: Sequence[Bar]) -> Drawing:
    """Lengths beside each other, from 0 to the longest that is shown."""
    longest = max((item.value for item in items if item.value is not None), default=0.0) or 1.0
    shapes: list[Shape] = []
    for i, item in enumerate(items):
        middle = ROW * i + ROW / 2
        shapes.append(_text("label", GUTTER - 12, middle + 4, item.label, "end"))
        length = 0.0
        if item.value is not None:
            length = (WIDTH - GUTTER - RIGHT) * item.value / longest
            place = {"x": GUTTER, "y": middle - 9, "width": length, "height": 18.0}
            shapes.append(Shape("rect", "bar", place))
        shapes.append(_text("small", GUTTER + length + 8, middle + 4, item.said, "start"))
    return Drawing(ROW * len(items) + 4, shapes)


def trend(years: Sequence[Estimate]) -> Drawing:
    """Rates year by year, upright: the interval, the rate, the published rate as a dash."""
    tall, left = 220.0, 60.0
    step = (WIDTH - left - 20) / max(len(years), 1)
    shapes = []
    for tick in TICKS:
        y = _y(tick, tall)
        shapes.append(_line("grid", left, y, WIDTH - 20, y))
        shapes.append(_text("small", left - 8, y + 4, f"{tick:.0%}", "end"))
    for i, one in enumerate(years):
        x = left + step * (i + 0.5)
        shapes.append(_text("label", x, tall + 40, one.label, "middle"))
        if one.benchmark is not None:
            y = _y(one.benchmark, tall)
            shapes.append(_line("benchmark", x - 12, y, x + 12, y))
        if one.interval is not None:
            low, high = (_y(limit, tall) for limit in one.interval)
            shapes.append(_line("interval", x, low, x, high))
        if one.rate is None:
            shapes.append(_text("small", x, tall / 2, one.said, "middle"))
        else:
            shapes.append(Shape("circle", "mark", {"cx": x, "cy": _y(one.rate, tall), "r": 5.0}))
    return Drawing(tall + 50, shapes)


def svg(drawing: Drawing, title: str, paint: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The drawing as SVG. Kinds become classes, for a style sheet, or attributes where given."""
    inner = "".join(_element(shape, paint) for shape in drawing.shapes)
    size = f'viewBox="0 0 {WIDTH:g} {drawing.height:g}"'
    if paint is None:
        return f'<svg class="chart" {size} role="img" aria-label="{escape(title)}">{inner}</svg>'
    named = 'xmlns="http://www.w3.org/2000/svg" font-family="Libertinus Serif"'
    return f'<svg {named} width="{WIDTH:g}" height="{drawing.height:g}" {size}>{inner}</svg>'


def _element(shape: Shape, paint: Mapping[str, Mapping[str, str]] | None) -> str:
    attributes: dict[str, object] = {
        name: f"{value:.1f}" if isinstance(value, float) else value
        for name, value in shape.place.items()
    }
    attributes |= {"class": shape.kind} if paint is None else paint[shape.kind]
    written = " ".join(f'{name}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{shape.tag} {written}>{escape(shape.text)}</{shape.tag}>"


def _scale(height: float) -> list[Shape]:
    shapes: list[Shape] = []
    for tick in TICKS:
        shapes.append(_line("grid", _x(tick), TOP - 8, _x(tick), height - 4))
        shapes.append(_text("small", _x(tick), TOP - 14, f"{tick:.0%}", "middle"))
    return shapes


def _x(rate: float) -> float:
    return GUTTER + (WIDTH - GUTTER - RIGHT) * rate


def _y(rate: float, tall: float) -> float:
    return 16 + tall * (1 - rate)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Shape:
    return Shape("line", kind, {"x1": x1, "y1": y1, "x2": x2, "y2": y2})


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> Shape:
    return Shape("text", kind, {"x": x, "y": y, "text-anchor": anchor}, text)
