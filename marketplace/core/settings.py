"""What the product can be told from outside, as one typed, frozen value.

`config.settings` reads it from the environment and refuses what can't work; nothing below knows
where it came from.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

Environment = Literal["development", "test", "production"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """See `docs/operators/settings.md` for each name in the environment."""

    environment: Environment
    secret_keys: tuple[str, ...]
    """Newest first; older ones still verify, so that a secret can be rotated."""
    password_salt: str
    database_url: str
    redis_url: str | None
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    stripe_api_base: str | None
    smtp_url: str
    mail_from: str
    reply_domain: str | None
    """Where answers to messages are mailed to; none, and messages can't be answered by mail."""
    inbound_mail_secret: str | None
    """By which our mail server shows that it is ours when it hands on an answer."""
    legal_entity: str
    """Who issues receipts and invoices; their numbers run by it."""
    legal_address: str | None
    """Where the legal entity is, in one line; on the pages of terms and of privacy."""
    contact_email: str | None
    """Where people write to it; there, too."""
    governing_law: str | None
    """Whose law the terms are under, such as `the State of Illinois`; none, and they name none."""
    tax_name: str
    """What the tax is called that prices contain, such as `VAT`."""
    tax_percent: Decimal
    """Its rate; 0, and documents state none."""
    tax_on: Literal["platform", "all"]
    """On what the marketplace earns of a price, or on all of it."""
    tax_number: str | None
    """By which the tax office knows the legal entity; printed where it is given."""
    bank_details: str | None
    """Where schools send the money of an invoice, in one line; none, and staff tells them."""
    object_store_url: str
    export_store_url: str | None
    """Where exports on schedule are delivered; none, and they go into the object store itself."""
    direct_uploads: bool
    """Off, and files come through our own address, which seals them as they stream in."""
    clamd_url: str | None
    """The virus scanner, `tcp://host:port`; none, and documents are marked as not scanned."""
    letter_key: str
    """32 bytes, URL-safe base64: encrypts the keys of waived letters and documents."""
    badge_keys: tuple[str, ...]
    """RSA keys in DER, URL-safe base64, newest first: the first signs credentials, all are published.

    Those that only verify what was signed before may be public keys.
    """
    webhooks_to_loopback: bool
    """Whether webhooks may go to this machine, by plain HTTP too; refused in production."""
    public_url: str
    clock_file: Path | None
    log_level: str
    log_format: Literal["json", "console"]
    trusted_proxies: int
    database_pool: int
    prepared_statements: bool
    """Off behind a PgBouncer older than 1.22 in transaction mode."""
    hold_time: timedelta
    checkout_time: timedelta
    platform_fee_percent: Decimal
    deposit_percent: Decimal
    payout_first_percent: int
    """What of a host's share is released once a rotation is under way; the rest when it is over."""
    payout_first_after: timedelta
    evidence_lead: timedelta
    """How long before its deadline a dispute is answered with what was gathered, if nobody did."""
    smallest_published_cell: int
    rate_limit: str
    login_rate_limit: str
    live_streams: int
    live_streams_per_client: int

    @property
    def production(self) -> bool:
        return self.environment == "production"
