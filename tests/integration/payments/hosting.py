"""A host beside the till: an account, releases of shares, refunds, and what the books say."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from marketplace.core.ids import new_id
from marketplace.payments import tasks
from marketplace.payments.events import Payable
from marketplace.payments.gateway import HostGateway
from marketplace.payments.models import HostAccount, HostReversal, HostTransfer
from marketplace.payments.queries import hosts as found
from marketplace.payments.service.hosts import accounts, contracts, shares
from marketplace.payments.service.hosts.contracts import Terms
from marketplace.payments.states import ShareStep
from marketplace.payments.tasks import hosts as jobs
from tests.fakes.gateway import FakeGateway
from tests.fakes.hosts import FakeHosts
from tests.integration.payments.conftest import Till

WEEK = timedelta(days=7)


class Hosting:
    """The till's site and its account; `processor` is a fake one."""

    def __init__(self, till: Till, gateway: FakeGateway) -> None:
        self.till, self.gateway = till, gateway
        self.processor = FakeHosts(gateway)
        till.context.parts.add(HostGateway, self.processor)

    @property
    def site_id(self) -> UUID:
        return self.till.site_id

    def join(self) -> str:
        """Ask for an account, and give the processor all that it asks for; the account's name."""
        with self.till.context.transaction() as session:
            accounts.ask_onboarding(
                session, self.site_id, asked_by=self.till.payer_id, now=self.till.clock.now()
            )
        jobs.open_onboarding(self.till.context, str(self.site_id))
        name = self.account().processor_account
        assert name is not None
        self.till.handle(self.processor.onboard(name))
        return name

    def account(self) -> HostAccount:
        with self.till.context.transaction() as session:
            row = found.host_account(session, self.site_id)
        assert row is not None
        return row

    def paid(self, **changes: Any) -> tuple[Payable, UUID]:
        """A thing that is paid for: 340.00 of the 380.80 is the host's."""
        thing = Payable("thing", new_id())
        payment_id, page = self.till.opened(thing, **changes)
        self.till.handle(self.gateway.pay(page))
        return thing, payment_id

    def tell(self, thing: Payable, step: str, site_id: UUID | None = None) -> None:
        now = self.till.clock.now()
        with self.till.context.transaction() as session:
            shares.tell(
                session, thing, site_id or self.site_id, ShareStep(step), since=now, now=now
            )

    def release(self) -> None:
        jobs.release_shares(self.till.context)

    def begin(self, thing: Payable) -> HostTransfer:
        """The thing has begun a week ago: its first part is released."""
        self.tell(thing, "first")
        self.till.clock.advance(WEEK)
        self.release()
        return self.transfers(thing)[0]

    def end(self, thing: Payable) -> HostTransfer:
        """It is over: the rest is released."""
        self.tell(thing, "rest")
        self.release()
        return self.transfers(thing)[-1]

    def send(self, row: HostTransfer) -> HostTransfer:
        jobs.send_transfer(self.till.context, str(row.id))
        return self.transfer(row.id)

    def work(self) -> None:
        """Run what waits of transfers and reversals."""
        names = {task.name: task.run for task in jobs.TASKS}
        while True:
            with self.till.context.transaction() as session:
                job = session.execute(
                    text(
                        "DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM"
                        " procrastinate_jobs WHERE task_name = ANY(:names) ORDER BY id LIMIT 1)"
                        " RETURNING task_name, args"
                    ),
                    {"names": list(names)},
                ).one_or_none()
            if job is None:
                return
            names[job.task_name](self.till.context, **job.args)

    def transfer(self, transfer_id: UUID) -> HostTransfer:
        with self.till.context.transaction() as session:
            return found.transfer(session, transfer_id)

    def transfers(self, thing: Payable) -> list[HostTransfer]:
        with self.till.context.transaction() as session:
            return list(reversed(found.transfers_for(session, thing)))

    def reversals(self) -> list[HostReversal]:
        with self.till.context.transaction() as session:
            return list(session.query(HostReversal).order_by(HostReversal.id))

    def contract(self, **terms: Any) -> UUID:
        today = self.till.clock.now().date()
        given = {
            "valid_from": today,
            "valid_until": None,
            "host_fee_bp": 1000,
            "losses_borne_by": "platform",
            "note": "signed",
        }
        with self.till.context.transaction() as session:
            return contracts.set_contract(
                session,
                self.site_id,
                Terms(**{**given, **terms}),
                set_by=self.till.payer_id,
                now=self.till.clock.now(),
            ).id

    def balances(self) -> dict[str, int]:
        """What the books say of the host, credit positive; zeros left out."""
        kinds = ("deferred_host_share", "host_payable", "host_receivable")
        said = {kind: -self.till.balance(kind, self.site_id) for kind in kinds}
        return {kind: minor for kind, minor in said.items() if minor}

    def agrees(self) -> bool:
        """Whether the books equal the processor's balance, and the transfers the books."""
        with self.till.context.transaction() as session:
            assert found.wrong_host_sums(session) == []
        held = self.gateway.balance().get("USD")
        return self.till.balance("processor_clearing") == (held.minor if held else 0)

    def mismatches(self) -> list[dict[str, str]]:
        tasks.run_reconciliation(self.till.context)
        return self.till.one("SELECT mismatches FROM reconciliation ORDER BY id DESC LIMIT 1")
