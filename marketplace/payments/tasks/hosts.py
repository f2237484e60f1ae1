"""Jobs of what hosts are paid: each reads in one transaction, calls in none, records in another."""

from datetime import timedelta
from uuid import UUID

import structlog

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.settings import Settings
from marketplace.payments.gateway import (
    GatewayMissing,
    GatewayRefused,
    HostGateway,
    PaymentGateway,
    ProcessorAccount,
)
from marketplace.payments.queries import hosts as found
from marketplace.payments.service.hosts import accounts, moves, shares, transfers

# Where the processor sends a host back to after onboarding.
BACK = "/api/v1/payments/onboarded"
BATCH = 100
# How far back an account may have been made that we lost the answer about.
LOST_FOR = timedelta(days=30)
# The processor's words for an account that can't receive.
UNABLE = frozenset(
    {"insufficient_capabilities_for_transfer", "account_invalid", "transfers_not_allowed"}
)
log = structlog.get_logger(__name__)
CALLS = RetryPolicy(attempts=10, first=2, longest=300)


def open_onboarding(job: JobContext, site_id: str) -> None:
    """Make the host's account where there is none yet, and get a link to it."""
    gateway = job.parts.get(HostGateway)
    with job.transaction() as session:
        plan = accounts.plan_onboarding(session, UUID(site_id))
    if plan is None:
        return
    try:
        seen = _account(job, gateway, plan)
        with job.transaction() as session:
            accounts.take_account(session, plan.site_id, seen, now=job.clock.now())
        base = job.parts.get(Settings).public_url.rstrip("/") + BACK
        link = gateway.onboarding_link(
            seen.id, back=f"{base}/{site_id}", again=f"{base}/{site_id}?expired=true"
        )
    except GatewayRefused as error:
        with job.transaction() as session:
            accounts.refuse_onboarding(session, plan.site_id, str(error))
        return
    with job.transaction() as session:
        accounts.take_link(session, plan.site_id, link, job.clock.now())


def _account(
    job: JobContext, gateway: HostGateway, plan: accounts.OnboardingPlan
) -> ProcessorAccount:
    if plan.account is not None:
        return gateway.retrieve_account(plan.account)
    if plan.repeat:
        # The processor forgets keys after a day, so a key alone does not protect a late try.
        processor_now = job.parts.get(PaymentGateway).now()
        seen = gateway.find_account(plan.site_id, processor_now - LOST_FOR)
        if seen is not None:
            return seen
    return gateway.create_account(plan.key, site_id=plan.site_id, email=plan.email)


def account_stands(job: JobContext, site_id: str) -> str:
    """Ask how a host's account stands."""
    with job.transaction() as session:
        row = found.host_account(session, UUID(site_id))
        account = row.processor_account if row else None
    if account is None:
        return "no account"
    try:
        seen = job.parts.get(HostGateway).retrieve_account(account)
    except GatewayMissing:
        return "unknown at the processor"
    with job.transaction() as session:
        return accounts.take_account(session, UUID(site_id), seen, now=job.clock.now())


def release_shares(job: JobContext) -> None:
    """Release the shares whose time has come, each in a transaction of its own.

    However many wait for a dispute, those behind them are reached. One that can't be released holds
    up no other: the job fails after them, and says of which.
    """
    settings, now = job.parts.get(Settings), job.clock.now()
    failed: list[Exception] = []
    last = None
    while True:
        with job.transaction() as session:
            due = found.due_releases(session, now, settings.payout_first_after, BATCH, last)
        for _, release_id in due:
            try:
                with job.transaction() as session:
                    shares.release(
                        session, release_id, first_percent=settings.payout_first_percent, now=now
                    )
            except Exception as error:
                log.exception("share_not_released", release=str(release_id))
                failed.append(error)
        if len(due) < BATCH:
            break
        last = due[-1]
    if failed:
        raise failed[0]


def send_transfer(job: JobContext, transfer_id: str) -> None:
    """Send what is owed to a host; look first whether an earlier try has sent it."""
    gateway = job.parts.get(HostGateway)
    with job.transaction() as session:
        plan = transfers.plan_transfer(session, UUID(transfer_id), now=job.clock.now())
    if plan is None:
        return
    seen = gateway.find_transfer(plan.group, plan.transfer_id) if plan.repeat else None
    if seen is None:
        try:
            seen = gateway.transfer(
                plan.key,
                transfer_id=plan.transfer_id,
                account=plan.account,
                amount=plan.amount,
                group=plan.group,
                words=plan.words,
            )
        except GatewayRefused as error:
            unable = error.code in UNABLE or isinstance(error, GatewayMissing)
            with job.transaction() as session:
                transfers.refuse_transfer(
                    session, plan.transfer_id, str(error), account=unable, now=job.clock.now()
                )
            return
    with job.transaction() as session:
        transfers.take_transfer(session, plan.transfer_id, seen, now=job.clock.now())


def retry_transfer(job: JobContext, transfer_id: str) -> None:
    """Have a refused transfer sent once more, if the account can receive it."""
    with job.transaction() as session:
        transfers.send_if_able(session, UUID(transfer_id), now=job.clock.now())


def transfer_stands(job: JobContext, transfer_id: str) -> str:
    """Ask how a transfer stands that the processor has begun."""
    with job.transaction() as session:
        known = found.transfer(session, UUID(transfer_id)).processor_transfer
        group = transfers.group_of(found.transfer(session, UUID(transfer_id)))
    gateway = job.parts.get(HostGateway)
    try:
        seen = (
            gateway.retrieve_transfer(known)
            if known is not None
            else gateway.find_transfer(group, UUID(transfer_id))
        )
    except GatewayMissing:
        return "unknown at the processor"
    if seen is None:
        return "unknown at the processor"
    with job.transaction() as session:
        now = job.clock.now()
        return transfers.take_transfer(session, UUID(transfer_id), seen, now=now).value


def send_reversal(job: JobContext, reversal_id: str) -> None:
    """Take back what is the host's no more; what their balance does not cover, they owe."""
    gateway = job.parts.get(HostGateway)
    with job.transaction() as session:
        plan = transfers.plan_reversal(session, UUID(reversal_id), now=job.clock.now())
    if plan is None:
        return
    seen = gateway.find_reversal(plan.transfer, plan.reversal_id) if plan.repeat else None
    if seen is None:
        try:
            seen = gateway.reverse(
                plan.key, transfer=plan.transfer, reversal_id=plan.reversal_id, amount=plan.amount
            )
        except GatewayRefused as error:
            with job.transaction() as session:
                transfers.owe_reversal(session, plan.reversal_id, str(error), now=job.clock.now())
            return
    with job.transaction() as session:
        transfers.take_reversal(session, plan.reversal_id, seen, now=job.clock.now())


def poll(job: JobContext) -> None:
    """Have accounts, transfers and reversals looked at that have waited too long."""
    with job.transaction() as session:
        accounts.ask_again(session, now=job.clock.now(), limit=BATCH)
        transfers.ask_again(session, now=job.clock.now(), limit=BATCH)


def look_at_account(job: JobContext, site_id: str) -> None:
    """Ask how a host's account stands, where no event is waited for."""
    account_stands(job, site_id)


def look_at_transfer(job: JobContext, transfer_id: str) -> None:
    """Ask how a transfer stands, where no event is waited for."""
    transfer_stands(job, transfer_id)


TASKS = (
    Task(moves.OPEN_ONBOARDING, open_onboarding, retry=CALLS),
    Task(moves.LOOK_AT_ACCOUNT, look_at_account, retry=CALLS),
    Task(moves.SEND_TRANSFER, send_transfer, retry=CALLS),
    Task(moves.RETRY_TRANSFER, retry_transfer),
    Task(moves.LOOK_AT_TRANSFER, look_at_transfer, retry=CALLS),
    Task(moves.SEND_REVERSAL, send_reversal, retry=CALLS),
    Task("payments.release_shares", release_shares, cron="*/5 * * * *"),
    Task("payments.poll_hosts", poll, cron="*/5 * * * *"),
)
