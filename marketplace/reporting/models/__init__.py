"""What reporting keeps: published benchmarks, frozen reports, exports and their deliveries."""

from marketplace.reporting.models.exports import (
    DeliveryAttempt,
    ExportDelivery,
    ExportRun,
    ExportSchedule,
    IdentifiedRight,
)
from marketplace.reporting.models.letter_rates import LetterRate
from marketplace.reporting.models.looks import ReportLook
from marketplace.reporting.models.reports import Benchmark, ReportRun

__all__ = [
    "Benchmark",
    "DeliveryAttempt",
    "ExportDelivery",
    "ExportRun",
    "ExportSchedule",
    "IdentifiedRight",
    "LetterRate",
    "ReportLook",
    "ReportRun",
]
