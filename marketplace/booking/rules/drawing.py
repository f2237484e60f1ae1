"""The state machine as a picture and as a table, made from the table that the code obeys.

States that go on are columns, ends are rows below them. A step between columns is a line with its
words on a track of its own; a dot where a column crosses a row says that it may end so. Nothing is
placed by hand: a new state or step finds its place.
"""

from dataclasses import dataclass, field
from html import escape

from marketplace.booking.states import (
    GIVES_UP_SEATS,
    OWNED,
    STEPS,
    TIMED,
    TRANSITIONS,
    BookingState,
)

LEFT, COLUMN, BOX_WIDTH, BOX_HEIGHT = 190, 165, 135, 38
TRACK, ROW, MARGIN, BESIDE = 26, 30, 24, 14
FILL = {True: "#fff3d6", False: "#dff0e3"}
SVG = "http://www.w3.org/2000/svg"
ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0 8 4 0 8z" fill="#456"/></marker></defs>'
)
STYLE = (
    "text{font:13px sans-serif;fill:#222}.small{font-size:11px;fill:#444;stroke:#fff;stroke-width:3;paint-order:stroke}"
    ".line{fill:none;stroke:#456;stroke-width:1.4}.row{stroke:#bbb;stroke-width:1}"
    ".box{stroke:#456;stroke-width:1.4}.dot{fill:#456}.ring{fill:#fff;stroke:#456;stroke-width:2}"
)
WORDS = {
    BookingState.HELD: "the seat is kept for minutes",
    BookingState.SUBMITTED: "the host decides on the application",
    BookingState.MORE_ASKED: "the host asked for more; the trainee answers",
    BookingState.AWAITING_PAYMENT: "the deposit is due",
    BookingState.CONFIRMED: "paid",
    BookingState.IN_PROGRESS: "the first day has come",
    BookingState.COMPLETED: "the host says that it was done",
    BookingState.EXPIRED: "not submitted, decided, answered or paid in time",
    BookingState.WITHDRAWN: "the trainee gave it up before it was confirmed",
    BookingState.DECLINED: "the host, or the trainee's school, declined",
    BookingState.CANCELLED_BY_TRAINEE: "the trainee cancelled",
    BookingState.CANCELLED_BY_HOST: "the host called it off",
    BookingState.CANCELLED_BY_OPERATOR: "an operator ended it",
    BookingState.NO_SHOW: "the trainee never came",
}


def _is_end(state: BookingState) -> bool:
    return TRANSITIONS.terminal(state) or state in GIVES_UP_SEATS


@dataclass
class _Ports:
    """Where lines meet the top of each box, from left to right as they are asked for."""

    columns: list[BookingState]
    taken: dict[BookingState, int] = field(default_factory=dict)

    def take(self, state: BookingState) -> int:
        number = self.taken[state] = self.taken.get(state, 0) + 1
        lines = sum(
            (before is state) + (after is state)
            for before in self.columns
            for after in STEPS[before]
            if after in self.columns
        )
        left = centre(self.columns, state) - BOX_WIDTH // 2
        return left + BOX_WIDTH * number // (lines + 1)


def centre(columns: list[BookingState], state: BookingState) -> int:
    return LEFT + COLUMN * columns.index(state) + COLUMN // 2


def svg() -> str:
    """The whole machine as one SVG; it needs nothing from elsewhere."""
    columns = [state for state in STEPS if not _is_end(state)]
    rows = [state for state in STEPS if _is_end(state)]
    between = [(a, b) for a in columns for b in STEPS[a] if b in columns]
    top = MARGIN + TRACK * len(between)
    parts = [*_tracks(columns, between, top), *_ends(columns, rows, top)]
    parts += [part for state in columns for part in _box(columns, state, top)]
    turns = sum(after in rows for before in rows for after in STEPS[before])
    width = LEFT + COLUMN * len(columns) + BESIDE * turns + MARGIN
    height = top + BOX_HEIGHT + ROW * (len(rows) + 1) + MARGIN
    legend = top + BOX_HEIGHT + ROW * (len(rows) + 1)
    parts.append(
        f'<text class="small" x="{MARGIN}" y="{legend}">A dot: it may end so. A ring: from there the'
        " booking may come back. Yellow: the seat is kept until a known time. Green: it is the"
        " trainee's.</text>"
    )
    return "\n".join(
        [
            f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
            '<title id="title">The states of a booking, and what leads from one to another</title>',
            f"<style>{STYLE}</style>",
            ARROW,
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _tracks(
    columns: list[BookingState], between: list[tuple[BookingState, BookingState]], top: int
) -> list[str]:
    ports = _Ports(columns)
    lines, words = [], []
    for number, (before, after) in enumerate(between):
        y = MARGIN + TRACK * number
        start, end = ports.take(before), ports.take(after)
        lines.append(
            f'<path class="line" marker-end="url(#tip)" d="M{start} {top} V{y} H{end} V{top}"/>'
        )
        said = escape(STEPS[before][after])
        words.append(f'<text class="small" x="{min(start, end) + 5}" y="{y - 4}">{said}</text>')
    return lines + words


def _ends(columns: list[BookingState], rows: list[BookingState], top: int) -> list[str]:
    right = LEFT + COLUMN * len(columns)
    lines, rings, dots = [], [], []
    for number, end in enumerate(rows):
        y = top + BOX_HEIGHT + ROW * (number + 1)
        lines.append(f'<text x="{MARGIN}" y="{y + 4}">{end.value}</text>')
        lines.append(f'<path class="row" d="M{LEFT} {y} H{right}"/>')
        for state in columns:
            x = centre(columns, state)
            if end in STEPS[state]:
                dots.append(f'<circle class="dot" cx="{x}" cy="{y}" r="5"/>')
            if state in STEPS[end]:
                rings.append(f'<circle class="ring" cx="{x}" cy="{y}" r="9"/>')
    for state in columns:
        reached = [
            number for number, end in enumerate(rows) if end in STEPS[state] or state in STEPS[end]
        ]
        if reached:
            x, y = centre(columns, state), top + BOX_HEIGHT
            lines.append(f'<path class="line" d="M{x} {y} V{y + ROW * (max(reached) + 1)}"/>')
    return [*lines, *_from_end_to_end(rows, right, top), *rings, *dots]


def _from_end_to_end(rows: list[BookingState], right: int, top: int) -> list[str]:
    """Steps between two ends, right of the columns: from one row round to the other."""
    lines = []
    for number, (before, after) in enumerate((a, b) for a in rows for b in STEPS[a] if b in rows):
        x = right + BESIDE * (number + 1)
        start, end = (top + BOX_HEIGHT + ROW * (rows.index(one) + 1) for one in (before, after))
        lines.append(
            f'<path class="line" marker-end="url(#tip)" d="M{right} {start} H{x} V{end} H{right}"/>'
        )
    return lines


def _box(columns: list[BookingState], state: BookingState, top: int) -> list[str]:
    x = centre(columns, state)
    size = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="{FILL[state in TIMED]}"'
    return [
        f'<rect class="box" x="{x - BOX_WIDTH // 2}" y="{top}" {size}/>',
        f'<text x="{x}" y="{top + 24}" text-anchor="middle">{state.value}</text>',
    ]


def page(picture: str) -> str:
    """The page of the documentation; `picture` is the address of the drawing beside it."""
    lines = [
        "# The states of a booking",
        "",
        "Made from the table that the code obeys (`flask check states docs`); a test fails where the",
        "two differ. Each step is one row of the booking's history, and the database refuses a change",
        "of state without its row.",
        "",
        f"![States as boxes and rows, steps as lines and dots; the table below says the same]({picture})",
        "",
        "| state | meaning | the seat |",
        "| --- | --- | --- |",
        *(f"| `{state.value}` | {WORDS[state]} | {_seat(state)} |" for state in STEPS),
        "",
        "| from | to | what does it |",
        "| --- | --- | --- |",
        *(
            f"| `{before.value}` | `{after.value}` | {words} |"
            for before, steps in STEPS.items()
            for after, words in steps.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _seat(state: BookingState) -> str:
    if state in TIMED:
        return "kept until `hold_expires_at`"
    if state in OWNED:
        return "the trainee's"
    return "given up, but for weeks that had begun" if _may_have_begun(state) else "given up"


def _may_have_begun(state: BookingState) -> bool:
    return any(state in STEPS[before] for before in OWNED)
