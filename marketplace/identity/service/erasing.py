"""Erasing an account: asked for by its owner, stopped as long as it waits, then done in steps.

What identifies a person goes: the account's own facts here, the rest by whoever keeps it, in the same
transaction (`AccountErasing`). What others rely on stays, under no name: money, states, decisions, the
trail. Each step is one transaction, and done once however often a job runs.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.errors import ErasureBegun, ErasureBlocked, ErasureWaits
from marketplace.identity.events import (
    AccountErasing,
    ErasureConsidered,
    ErasureDecided,
    ErasureHindrance,
)
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import (
    Account,
    AccountErasure,
    AccountErasureStep,
    ApiKey,
    CoordinatorInvitation,
    Membership,
    Notice,
    NoticePreference,
    RefusedAddress,
    SchoolStudent,
    SiteInvitation,
    TraineeProfile,
    TraineeProfileRevision,
    WebAuthnCredential,
)
from marketplace.identity.queries import schools
from marketplace.identity.rules import (
    ERASED_NAME,
    ERASURE_STEPS,
    ERASURE_WAIT,
    ErasureStep,
    Role,
    erased_address,
)
from marketplace.identity.service import students
from marketplace.identity.service.accounts import end_all_sign_ins
from marketplace.identity.service.notices import notify
from marketplace.identity.states import InvitationState

PURPOSE = "account-erasure"
PATH = "/my-data/erasure"
ERASE = "identity.erase_account"
LEFT = "The account was erased."


def hindrances(session: Session, account_id: UUID, now: datetime) -> Sequence[ErasureHindrance]:
    """Return what has to end first: roles for others, and what each package keeps open."""
    roles = [one.role for one in queries.live_memberships(session, account_id)]
    own = [
        ErasureHindrance("role", role, role.replace("_", " "))
        for role in sorted(set(roles) - {Role.TRAINEE})
    ]
    asked = ErasureConsidered(account_id, now, own)
    publish(session, asked)
    return asked.hindrances


def live(session: Session, account_id: UUID, *, lock: bool = False) -> AccountErasure | None:
    """Return the account's erasure that was not stopped, if there is one."""
    query = select(AccountErasure).where(
        AccountErasure.account_id == account_id, AccountErasure.stopped_at.is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def ask(session: Session, account: Account, *, signer: LinkSigner, now: datetime) -> AccountErasure:
    """Have an account erased after the waiting time, and mail its owner a link that stops it.

    `ErasureBlocked` names what has to end first; `ErasureWaits` if it was asked for already.
    """
    if live(session, account.id) is not None:
        raise ErasureWaits
    found = hindrances(session, account.id, now)
    if found:
        raise ErasureBlocked(extra={"blocked_by": [one.as_json() for one in found]})
    erasure = AccountErasure(
        id=new_id(), account_id=account.id, asked_at=now, due_at=now + ERASURE_WAIT
    )
    session.add(erasure)
    session.flush()
    token = signer.sign(PURPOSE, erasure.id, erasure.due_at + ERASURE_WAIT)
    notify(
        session,
        account.id,
        "erasure_asked",
        {"due_at": erasure.due_at.isoformat()},
        now=now,
        secret={"token": token},
    )
    publish(session, ErasureDecided(account.id, account.id, "asked", now))
    return erasure


def stop(session: Session, account_id: UUID, now: datetime) -> None:
    """Take the wish back, as long as the account is not closed for it; twice is once."""
    erasure = live(session, account_id, lock=True)
    if erasure is None:
        return
    if erasure.closed_at is not None:
        raise ErasureBegun
    erasure.stopped_at = now
    session.flush()
    publish(session, ErasureDecided(account_id, account_id, "stopped", now))


def linked(session: Session, signer: LinkSigner, token: str, now: datetime) -> AccountErasure:
    """Return the erasure that a mailed link stops; `NotFound` for what is no link of ours."""
    found = signer.read(PURPOSE, token, now)
    erasure = None if found is None else session.get(AccountErasure, found)
    if erasure is None:
        raise NotFound
    return erasure


def stop_by_link(session: Session, signer: LinkSigner, token: str, now: datetime) -> AccountErasure:
    """Stop the erasure that the link is for, and no later one; twice is once."""
    erasure = linked(session, signer, token, now)
    if erasure.stopped_at is None:
        stop(session, erasure.account_id, now)
    return erasure


def due(session: Session, now: datetime, limit: int) -> Sequence[UUID]:
    """Return erasures whose waiting time is over, the first due first."""
    query = select(AccountErasure.id).where(
        AccountErasure.stopped_at.is_(None),
        AccountErasure.done_at.is_(None),
        AccountErasure.due_at <= now,
    )
    return session.execute(query.order_by(AccountErasure.due_at).limit(limit)).scalars().all()


def close(session: Session, erasure_id: UUID, now: datetime) -> bool:
    """Close the account, from which on nothing stops it; False if it is not to be erased (yet).

    The account's row is held, so that what its owner is doing is done before one looks. Where something
    stands against it, its owner is told once, and it is looked at again later.
    """
    erasure = _locked(session, erasure_id)
    account = session.get_one(Account, erasure.account_id, with_for_update=True)
    if erasure.stopped_at is not None or erasure.done_at is not None or erasure.due_at > now:
        return False
    if hindrances(session, account.id, now):
        if erasure.blocked_told_at is None and account.active:
            erasure.blocked_told_at = now
            notify(session, account.id, "erasure_blocked", {}, now=now)
        return False
    if erasure.closed_at is None:
        erasure.closed_at = now
        account.active = False
        end_all_sign_ins(account)
        session.flush()
        publish(session, ErasureDecided(account.id, None, "begun", now))
    return True


def take(session: Session, erasure_id: UUID, step: ErasureStep, now: datetime) -> bool:
    """Do a step, here and wherever else something of the person is kept; False if it was done."""
    erasure = _locked(session, erasure_id)
    new = session.execute(
        insert(AccountErasureStep)
        .values(erasure_id=erasure_id, step=step.value, done_at=now)
        .on_conflict_do_nothing()
        .returning(AccountErasureStep.step)
    ).first()
    if new is None:
        return False
    own = _OWN.get(step)
    if own is not None:
        own(session, erasure.account_id, now)
    publish(session, AccountErasing(erasure.account_id, step.value, now))
    if step == ERASURE_STEPS[-1]:
        erasure.done_at = now
    session.flush()
    return True


def _locked(session: Session, erasure_id: UUID) -> AccountErasure:
    return session.get_one(AccountErasure, erasure_id, with_for_update=True, populate_existing=True)


def _end_access(session: Session, account_id: UUID, now: datetime) -> None:
    """Nothing is done as the account any more, no school sees anything of it, nobody waits for it."""
    for table in (ApiKey, Membership):
        affected(
            session,
            update(table)
            .where(table.account_id == account_id, table.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False),
        )
    for kept in (WebAuthnCredential, NoticePreference):
        session.execute(
            delete(kept)
            .where(kept.account_id == account_id)
            .execution_options(synchronize_session=False)
        )
    email = session.get_one(Account, account_id).email
    for student in schools.concerning(session, account_id, email):
        students.end(session, student, actor_id=account_id, reason=LEFT, now=now)
    for invitation in (CoordinatorInvitation, SiteInvitation):
        session.execute(
            update(invitation)
            .where(invitation.email == email, invitation.state == InvitationState.OPEN.value)
            .values(state=InvitationState.REFUSED.value, ended_at=now)
            .execution_options(synchronize_session=False)
        )


def _empty_profile(session: Session, account_id: UUID, now: datetime) -> None:
    """The facts and each earlier version of them; the trigger lets nobody else's go."""
    del now
    for table in (TraineeProfile, TraineeProfileRevision):
        session.execute(
            delete(table)
            .where(table.account_id == account_id)
            .execution_options(synchronize_session=False)
        )


def empty_notices_about(
    session: Session, account_id: UUID, about: Mapping[str, Collection[str]]
) -> None:
    """Empty mails to others that name the person: those whose data has one of each field's values.

    That they were sent, to whom and when, stays; the mails themselves are with whoever got them. Whoever
    sends such mails knows what they are about: a name alone would meet namesakes.
    """
    named = [Notice.data[field].as_string().in_(values) for field, values in about.items()]
    affected(
        session,
        update(Notice)
        .where(
            *named,
            Notice.data.has_key("trainee_name"),
            Notice.state.in_(["sent", "gathered"]),
            Notice.account_id.is_distinct_from(account_id),
        )
        .values(data={}, files=null())
        .execution_options(synchronize_session=False),
    )


def _empty_notices(session: Session, account_id: UUID, now: datetime) -> None:
    """What was mailed to the person: that it was, and when, stays; what it said goes."""
    del now
    blank = {
        "to_address": erased_address(account_id),
        "data": {},
        "secret": null(),
        "files": null(),
        "headers": null(),
        "attachments": [],
        "failure": null(),
    }
    email = session.get_one(Account, account_id).email
    invited = and_(Notice.account_id.is_(None), Notice.to_address == email)
    own = or_(Notice.account_id == account_id, invited)
    unsent = Notice.state.in_(["queued", "waiting"])
    for which, values in ((own & unsent, {**blank, "state": "off"}), (own & ~unsent, blank)):
        affected(
            session,
            update(Notice).where(which).values(values).execution_options(synchronize_session=False),
        )


def _blank(session: Session, account_id: UUID, now: datetime) -> None:
    """Last of all the account itself: it stays as what bookings and money refer to."""
    del now
    account = session.get_one(Account, account_id, with_for_update=True)
    _forget_address(session, account.email, erased_address(account_id))
    account.email, account.name = erased_address(account_id), ERASED_NAME
    account.locale, account.time_zone = "en", "UTC"
    account.password = account.confirmed_at = None
    account.tf_primary_method = account.tf_totp_secret = account.tf_phone_number = None
    account.tf_last_counter = account.mf_recovery_codes = None
    account.active = False
    end_all_sign_ins(account)
    session.flush()


def _forget_address(session: Session, email: str, instead: str) -> None:
    """Where the person was known by their address alone: invited, or not to be written to."""
    for table in (SchoolStudent, CoordinatorInvitation, SiteInvitation):
        session.execute(
            update(table)
            .where(table.email == email)
            .values(email=instead)
            .execution_options(synchronize_session=False)
        )
    session.execute(
        delete(RefusedAddress)
        .where(RefusedAddress.address == email)
        .execution_options(synchronize_session=False)
    )


_OWN = {
    ErasureStep.ACCESS: _end_access,
    ErasureStep.PROFILE: _empty_profile,
    ErasureStep.NOTICES: _empty_notices,
    ErasureStep.ACCOUNT: _blank,
}
