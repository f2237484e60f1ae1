"""Exports that are made on schedule and delivered to an object store.

A delivery is a folder of its own; the manifest goes last, so whoever finds it finds all. Every
attempt is a row of the log. What fails is tried again for hours, then says so and waits for a
person.
"""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import update

from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext, defer, given_up
from marketplace.core.ports import ObjectStore
from marketplace.identity.service.notices import notify
from marketplace.reporting.errors import IdentifiedRefused, NothingToRetry, ScheduleRefused
from marketplace.reporting.gateway import DeliveryStore
from marketplace.reporting.models import DeliveryAttempt, ExportDelivery, ExportSchedule
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.rules import cron as rules
from marketplace.reporting.service import export_rights, exports
from marketplace.reporting.service.export_files import File, fetch, put
from marketplace.reporting.service.exports import BUILD, IDENTIFIED

SEND = "reporting.deliver_export"
START = "reporting.start_deliveries"
REFUSED_EXPORT = "Its export was refused: give the right again, and make the schedule anew."


class Changed(Exception):
    """A stored file is not the one that the manifest names."""


def schedule(
    session: Session,
    *,
    name: str,
    cron: str,
    time_zone: str,
    match_year: int | None,
    profile: str,
    formats: Sequence[str],
    reason: str | None,
    created_by: UUID,
    now: datetime,
) -> ExportSchedule:
    """Have an export made and delivered whenever `cron` says so in `time_zone`."""
    try:
        when = rules.read(cron)
    except rules.BadCron as error:
        raise ScheduleRefused(str(error), fields={"cron": [str(error)]}) from error
    if profile == IDENTIFIED:
        export_rights.check(session, created_by, now)
        if not reason:
            told = "Say what it is for; it is recorded with each export."
            raise ScheduleRefused("A reason is missing.", fields={"reason": [told]})
    row = ExportSchedule(
        id=new_id(),
        name=name,
        match_year=match_year,
        profile=profile,
        formats=[one for one in exports.FORMATS if one == "csv" or one in formats],
        reason=reason,
        cron=cron,
        time_zone=time_zone,
        next_at=rules.after(when, now, ZoneInfo(time_zone)),
        created_by=created_by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def end(session: Session, schedule_id: UUID, *, by: UUID, now: datetime) -> ExportSchedule:
    """Start no more of its deliveries; what is under way still goes out."""
    row = queries.schedule(session, schedule_id, lock=True)
    if row is None:
        raise NotFound
    if row.ended_at is None:
        row.ended_at, row.ended_by = now, by
        session.flush()
    return row


def start_due(job: JobContext) -> None:
    """Ask for the exports that are due, one transaction each, and close what nobody works on."""
    now = job.clock.now()
    started = True
    while started:
        with job.transaction() as session:
            row = queries.due_schedule(session, now)
            started = row is not None
            if row is not None:
                _start(session, row, now)
    with job.transaction() as session:
        _close(session, now)


def built(session: Session, export_id: UUID) -> None:
    """Send an export that is ready now, if it was made for a delivery."""
    delivery = queries.delivery_of(session, export_id)
    if delivery is not None and delivery.state == "building":
        delivery.state = "sending"
        session.flush()
        defer(session, SEND, delivery_id=str(delivery.id))


def not_built(session: Session, export_id: UUID, failure: str, now: datetime) -> None:
    """Close a delivery whose export can't be made, however often it is tried."""
    delivery = queries.delivery_of(session, export_id)
    if delivery is not None and delivery.state == "building":
        delivery.state, delivery.failure = "failed", failure
        _tell(session, delivery, failure, now)


def send(job: JobContext, delivery_id: UUID) -> None:
    """Copy the files of a delivery to where they go; a second run copies the same ones again."""
    with job.transaction() as session:
        delivery = queries.delivery(session, delivery_id)
        if delivery is None or delivery.state != "sending" or delivery.export_id is None:
            return
        folder = delivery.folder
        run = queries.export_run(session, delivery.export_id)
        files = [File(**file) for file in (run.files or ())] if run is not None else []
    try:
        _copy(job, folder, files)
    except Exception as error:
        with job.transaction() as session:
            _log(session, delivery_id, job.clock.now(), type(error).__name__)
        raise
    with job.transaction() as session:
        now = job.clock.now()
        sent = (
            update(ExportDelivery)
            .where(ExportDelivery.id == delivery_id, ExportDelivery.state == "sending")
            .values(state="delivered", delivered_at=now, failure=None)
        )
        if affected(session, sent):
            _log(session, delivery_id, now, None)


def retry(session: Session, delivery_id: UUID) -> ExportDelivery:
    """Try a delivery that has failed once more, from where it failed."""
    delivery = queries.delivery(session, delivery_id, lock=True)
    if delivery is None:
        raise NotFound
    if delivery.state != "failed":
        raise NothingToRetry
    if delivery.export_id is None:
        raise NothingToRetry(REFUSED_EXPORT)
    run = queries.export_run(session, delivery.export_id)
    ready = run is not None and run.state == "ready"
    delivery.state = "sending" if ready else "building"
    delivery.failure = None
    session.flush()
    if ready:
        defer(session, SEND, delivery_id=str(delivery.id))
    else:
        defer(session, BUILD, export_id=str(delivery.export_id))
    return delivery


def _start(session: Session, row: ExportSchedule, now: datetime) -> None:
    """Begin the delivery that is due; times that passed while nobody worked come as one."""
    delivery = ExportDelivery(
        id=new_id(),
        schedule_id=row.id,
        due_at=row.next_at,
        state="building",
        folder=f"deliveries/{row.name}/{row.next_at:%Y-%m-%dT%H%MZ}",
    )
    row.next_at = rules.after(rules.read(row.cron), now, ZoneInfo(row.time_zone))
    try:
        run = exports.ask(
            session,
            match_year=row.match_year,
            profile=row.profile,
            asked_by=row.created_by,
            now=now,
            formats=row.formats,
            reason=row.reason,
            compared_with=queries.last_delivered(session, row.id),
        )
        delivery.export_id = run.id
    except IdentifiedRefused as refusal:
        delivery.state, delivery.failure = "failed", refusal.code
    session.add(delivery)
    session.flush()
    if delivery.failure is not None:
        _tell(session, delivery, delivery.failure, now)


def _close(session: Session, now: datetime) -> None:
    """Say of deliveries whose jobs were given up that they failed."""
    exports_lost = [UUID(one["export_id"]) for one in given_up(session, BUILD)]
    sends_lost = [UUID(one["delivery_id"]) for one in given_up(session, SEND)]
    building = (ExportDelivery.export_id.in_(exports_lost), ExportDelivery.state == "building")
    sending = (ExportDelivery.id.in_(sends_lost), ExportDelivery.state == "sending")
    for where, failure in ((building, "not_built"), (sending, "not_sent")):
        lost = session.execute(
            update(ExportDelivery)
            .where(*where)
            .values(state="failed", failure=failure)
            .returning(ExportDelivery)
        )
        for delivery in lost.scalars().all():
            _tell(session, delivery, failure, now)


def _copy(job: JobContext, folder: str, files: Sequence[File]) -> None:
    ours, theirs = job.parts.get(ObjectStore), job.parts.get(DeliveryStore)
    for file in sorted(files, key=lambda file: file.name == "manifest.json"):
        with tempfile.TemporaryFile() as spool:
            if not fetch(ours, file, spool):
                raise Changed(file.name)
            put(theirs, f"{folder}/{file.name}", spool)


def _tell(session: Session, delivery: ExportDelivery, failure: str, now: datetime) -> None:
    """Log that a delivery has failed for good, and write to who made its schedule."""
    _log(session, delivery.id, now, failure)
    row = queries.schedule(session, delivery.schedule_id)
    if row is not None:
        told = {
            "schedule": row.name,
            "due_at": delivery.due_at.isoformat(),
            "cause": failure,
            "delivery_id": str(delivery.id),
        }
        notify(session, row.created_by, "delivery_failed", told, now=now)


def _log(session: Session, delivery_id: UUID, now: datetime, failure: str | None) -> None:
    session.add(DeliveryAttempt(id=new_id(), delivery_id=delivery_id, at=now, failure=failure))
    session.flush()
