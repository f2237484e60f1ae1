"""What reporting refuses, each with a stable code."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from marketplace.core.errors import Conflict, ConstraintErrors, Forbidden, Invalid, NotFound


class FigureRefused(Invalid):
    """A figure can't be worked out from what was given."""

    code = "figure_refused"
    title = "This figure can't be worked out from what was given."


class UnknownTopic(FigureRefused):
    """The case names no topic that is known."""

    code = "unknown_topic"


class InputMissing(FigureRefused):
    """An input that the topic needs is not there."""

    code = "input_missing"


class InputUnknown(FigureRefused):
    """An input looks like a known one under another name, and would be silently left out."""

    code = "input_unknown"


class WrongType(FigureRefused):
    """An input is of another kind than the topic needs: text, a boolean, a list."""

    code = "wrong_type"


class NotWhole(FigureRefused):
    """A count is not a whole number."""

    code = "not_whole"


class NotFinite(FigureRefused):
    """A number is infinite or not a number."""

    code = "not_finite"


class Negative(FigureRefused):
    """A count is below zero."""

    code = "negative"


class TooLarge(FigureRefused):
    """A count is beyond what the arithmetic is exact for."""

    code = "too_large"


class OutOfOrder(FigureRefused):
    """A part is larger than its whole (x above n)."""

    code = "x_above_n"


class ConfidenceOutOfRange(FigureRefused):
    """A confidence is a proportion strictly between 0 and 1, such as 0.95."""

    code = "confidence_out_of_range"


class NotAProportion(FigureRefused):
    """A probability or rate lies outside 0 to 1."""

    code = "not_a_proportion"


class UnknownColumn(FigureRefused):
    """A condition or variable names a column that the data lacks."""

    code = "unknown_column"


class UnreadableData(FigureRefused):
    """A file of microdata can't be read."""

    code = "unreadable_data"


class ZeroCell(FigureRefused):
    """A category of the frame has no respondent, so no weight can stand for it."""

    code = "zero_cell"


class NotConverged(FigureRefused):
    """Raking did not reach the frame's margins."""

    code = "not_converged"


class CannotHide(FigureRefused):
    """A table can't be suppressed or audited as it was described."""

    code = "cannot_hide"


class BenchmarkRefused(FigureRefused):
    """A published figure may not be tested against; `extra["reason"]` says why."""

    code = "benchmark_refused"


@dataclass(frozen=True, slots=True)
class BadCell:
    """One cell of a file that could not be read: where, what, and what belongs there."""

    row: int
    column: str
    value: str
    expected: str

    @property
    def where(self) -> str:
        """Its place in words: a whole file has no row, a whole row no column."""
        parts = (f"row {self.row}" if self.row else "", self.column)
        return ", ".join(part for part in parts if part) or "the file"

    @property
    def said(self) -> str:
        found = f"{self.value!r}: " if self.value or (self.row > 1 and self.column) else ""
        return f"{found}expected {self.expected}"


class TableUnreadable(Invalid):
    """A CSV has cells that can't be read; nothing was worked out from it."""

    code = "table_unreadable"
    title = "The table has cells that can't be read; nothing was worked out from it."

    def __init__(self, table: str, cells: Sequence[BadCell]) -> None:
        """`table` names the file in words; `cells` lists every bad cell, in order."""
        self.cells = tuple(cells)
        fields: dict[str, list[str]] = {}
        for cell in self.cells:
            fields.setdefault(cell.where, []).append(cell.said)
        super().__init__(
            f"{table}: {len(self.cells)} cell(s) can't be read.",
            fields=fields,
            extra={"cells": [asdict(cell) for cell in self.cells]},
        )

    def as_document(self) -> Mapping[str, object]:
        """The refusal as JSON: code, message and every cell."""
        return {"error": {"code": self.code, "message": str(self), **self.extra}}


class NotYetThen(Invalid):
    """A report can't be frozen as of a moment that has not come."""

    code = "not_yet_then"
    title = "A report is frozen as of a moment that is past."


class ReportMissing(NotFound):
    """No report of that year has been published."""

    code = "report_missing"
    title = "There is no published report of this Match year."


class PublishedMeanwhile(Conflict):
    """Another version of the year was published while this one was worked out; it tries again."""

    code = "published_meanwhile"
    title = "Another report of this year was published meanwhile; this one is worked out again."


class ReportHolds(Conflict):
    """A frozen report is never changed."""

    code = "report_frozen"
    title = "A frozen report stays as it is. Freeze another one."


class ReportNotReady(Conflict):
    """The report is still being worked out, or could not be."""

    code = "report_not_ready"
    title = "This report has not been worked out yet."


class ExportNotReady(Conflict):
    """The export is still being made, or could not be."""

    code = "export_not_ready"
    title = "This export has no files yet."


class IdentifiedRefused(Forbidden):
    """Identified exports need a right that an operator gives, for a time."""

    code = "identified_export_refused"
    title = "You have no right to identified exports. An operator can give it, for a time."


class ExportRefused(Invalid):
    """What was asked for can't be exported; the fields say why."""

    code = "export_refused"
    title = "This can't be exported so."


class ScheduleRefused(Invalid):
    """A schedule can't be kept as it was described; the fields say why."""

    code = "schedule_refused"
    title = "This schedule can't be kept."


class ScheduleExists(Conflict):
    """Two schedules of one name would deliver into one folder."""

    code = "schedule_exists"
    title = "There is a schedule of this name. Choose another one."


class NothingToRetry(Conflict):
    """Only a delivery that has failed is tried again by hand."""

    code = "nothing_to_retry"
    title = "There is nothing of this delivery to try again."


class RightByOneself(Forbidden):
    """Nobody gives this right to themselves."""

    code = "right_by_oneself"
    title = "Somebody else has to give you this right."


class LogIsKept(Conflict):
    """Attempts at deliveries are only added."""

    code = "log_is_kept"
    title = "The log of deliveries stays as it is."


class ProfileNeeded(Conflict):
    code = "profile_needed"
    title = "Fill in your profile first: what is published differs by applicant type."


CONSTRAINTS: ConstraintErrors = {
    "report_run_holds": ReportHolds,
    "history_benchmark": ReportHolds,
    "history_delivery_attempt": LogIsKept,
    "uq_export_schedule_name": ScheduleExists,
    "ck_identified_right_not_by_oneself": RightByOneself,
}
