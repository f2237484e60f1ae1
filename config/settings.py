"""Reads the settings from the environment, and fails at boot with one clear line a fault.

Defaults here are valid in production and fit to be published; what can have none is required.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvError
from flask.cli import NoAppException
from marshmallow import ValidationError, validate

from marketplace.core.settings import Settings

STRIPE_HOST = "api.stripe.com"
RATE = r"^[1-9]\d{0,11}/(second|minute|hour|day)$"
ROOT = Path(__file__).parents[1]
# Written by the embedded stack while it runs, readable by its owner only.
STACK_NOTE = "stack.json"


class SettingsError(NoAppException, SystemExit):
    """The environment can't be worked with; the message has one line a fault.

    Ends a server's start without a traceback. The `flask` command takes it for what it is, an
    application that isn't there, and still lists and runs what needs none.
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        text = "settings: " + "\nsettings: ".join(faults)
        super().__init__(text)
        self.code = text

    def __str__(self) -> str:
        return str(self.code)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that `environ` (default: the process's) gives, or raise SettingsError."""
    env = _MappingEnv(_from_process() if environ is None else environ)
    raw = _read(env)
    try:
        env.seal()
    except EnvError as error:
        raise SettingsError(_lines(error)) from error
    settings = _build(raw)
    faults = _faults(settings)
    if faults:
        raise SettingsError(faults)
    return settings


def _from_process() -> Mapping[str, str]:
    """The process's environment, completed by that of the embedded stack where one runs.

    So a command at a terminal finds the stack that `make run` started. Whoever names a database
    or an environment by themselves means just that.
    """
    given = os.environ
    home = Path(given.get("MARKETPLACE_HOME", ROOT / ".local"))
    note = home / STACK_NOTE
    if "DATABASE_URL" in given or "MARKETPLACE_ENV" in given or not note.is_file():
        return given
    return {**json.loads(note.read_text()), **given}


def _read(env: Env) -> dict[str, Any]:
    one_of, between = validate.OneOf, validate.Range
    a_rate = validate.Regexp(RATE, error="expected a rate such as 1200/minute")
    return {
        "environment": env.str(
            "MARKETPLACE_ENV",
            "production",
            validate=one_of(["development", "test", "production"]),
        ),
        "secret_keys": env.list("SECRET_KEYS", validate=validate.Length(min=1)),
        "password_salt": env.str("PASSWORD_SALT", validate=validate.Length(min=16)),
        "database_url": env.str(
            "DATABASE_URL", validate=validate.Regexp(r"^postgresql(\+psycopg)?://")
        ),
        "redis_url": env.str("REDIS_URL", None),
        "stripe_secret_key": env.str("STRIPE_SECRET_KEY"),
        "stripe_webhook_secrets": env.list("STRIPE_WEBHOOK_SECRETS", []),
        "stripe_api_base": env.str("STRIPE_API_BASE", None),
        "smtp_url": env.str("SMTP_URL", validate=validate.Regexp(r"^smtps?://")),
        "mail_from": env.str("MAIL_FROM", "Rotation Marketplace <no-reply@localhost>"),
        "reply_domain": env.str("REPLY_DOMAIN", None),
        "inbound_mail_secret": env.str("INBOUND_MAIL_SECRET", None),
        "legal_entity": env.str("LEGAL_ENTITY", "Rotation Marketplace"),
        "legal_address": env.str("LEGAL_ADDRESS", None),
        "contact_email": env.str("CONTACT_EMAIL", None, validate=validate.Email()),
        "governing_law": env.str("GOVERNING_LAW", None),
        "tax_name": env.str("TAX_NAME", "Tax", validate=validate.Length(1, 40)),
        "tax_percent": env.decimal(
            "TAX_PERCENT", Decimal(0), validate=[between(0, 100), _hundredths]
        ),
        "tax_on": env.str("TAX_ON", "platform", validate=one_of(["platform", "all"])),
        "tax_number": env.str("TAX_NUMBER", None),
        "bank_details": env.str("BANK_DETAILS", None),
        "object_store_url": env.str("OBJECT_STORE_URL"),
        "export_store_url": env.str("EXPORT_STORE_URL", None),
        "direct_uploads": env.bool("DIRECT_UPLOADS", True),
        "clamd_url": env.str(
            "CLAMD_URL", None, validate=validate.Regexp(r"^tcp://[^/:@]+(:\d+)?$")
        ),
        "letter_key": env.str("LETTER_KEY"),
        "badge_keys": env.list("BADGE_KEYS", validate=validate.Length(min=1)),
        "webhooks_to_loopback": env.bool("WEBHOOKS_TO_LOOPBACK", False),
        "public_url": env.str("PUBLIC_URL", validate=validate.URL(require_tld=False)),
        "clock_file": env.path("CLOCK_FILE", None),
        "log_level": env.str(
            "LOG_LEVEL", "INFO", validate=one_of(["DEBUG", "INFO", "WARNING", "ERROR"])
        ),
        "log_format": env.str("LOG_FORMAT", "json", validate=one_of(["json", "console"])),
        "trusted_proxies": env.int("TRUSTED_PROXIES", 0, validate=between(0, 5)),
        "database_pool": env.int("DATABASE_POOL", 8, validate=between(1, 200)),
        "prepared_statements": env.bool("PREPARED_STATEMENTS", True),
        "hold_time": env.int("HOLD_MINUTES", 35, validate=between(32, 24 * 60)),
        "checkout_time": env.int("CHECKOUT_MINUTES", 30, validate=between(30, 23 * 60)),
        "platform_fee_percent": env.decimal(
            "PLATFORM_FEE_PERCENT", Decimal(12), validate=between(0, 100)
        ),
        "deposit_percent": env.decimal("DEPOSIT_PERCENT", Decimal(20), validate=between(1, 100)),
        "payout_first_percent": env.int("PAYOUT_FIRST_PERCENT", 50, validate=between(0, 100)),
        "payout_first_after": env.int("PAYOUT_FIRST_AFTER_DAYS", 7, validate=between(0, 90)),
        "evidence_lead": env.int("EVIDENCE_LEAD_HOURS", 24, validate=between(1, 144)),
        "smallest_published_cell": env.int("SMALLEST_PUBLISHED_CELL", 11, validate=between(2)),
        "rate_limit": env.str("RATE_LIMIT", "1200/minute", validate=a_rate),
        "login_rate_limit": env.str("LOGIN_RATE_LIMIT", "20/minute", validate=a_rate),
        "live_streams": env.int("LIVE_STREAMS", 3, validate=between(0, 10_000)),
        "live_streams_per_client": env.int("LIVE_STREAMS_PER_CLIENT", 2, validate=between(1)),
    }


def _hundredths(percent: Decimal) -> None:
    if percent != round(percent, 2):
        raise ValidationError("expected at most two decimals")


def _build(raw: dict[str, Any]) -> Settings:
    raw["secret_keys"] = tuple(raw["secret_keys"])
    raw["badge_keys"] = tuple(raw["badge_keys"])
    raw["stripe_webhook_secrets"] = tuple(raw["stripe_webhook_secrets"])
    # SQLAlchemy needs the driver's name in the URL; platforms give it without.
    raw["database_url"] = raw["database_url"].replace("postgresql://", "postgresql+psycopg://", 1)
    for name in ("hold_time", "checkout_time"):
        raw[name] = timedelta(minutes=raw[name])
    raw["evidence_lead"] = timedelta(hours=raw["evidence_lead"])
    raw["payout_first_after"] = timedelta(days=raw["payout_first_after"])
    return Settings(**raw)


def _faults(settings: Settings) -> list[str]:
    faults = [
        f"SECRET_KEYS: each of at least 32 characters, one has {len(key)}"
        for key in settings.secret_keys
        if len(key) < 32  # noqa: PLR2004 - the length is in the message
    ]
    if not _is_key(settings.letter_key):
        faults.append("LETTER_KEY: 32 bytes in URL-safe base64 expected")
    if not all(_is_der(key) for key in settings.badge_keys):
        faults.append("BADGE_KEYS: RSA keys in DER as URL-safe base64 expected")
    if any(not secret.startswith("whsec_") for secret in settings.stripe_webhook_secrets):
        faults.append("STRIPE_WEBHOOK_SECRETS: each begins with whsec_")
    secret = settings.inbound_mail_secret
    if (settings.reply_domain is None) != (secret is None):
        faults.append("REPLY_DOMAIN and INBOUND_MAIL_SECRET: both, or neither")
    if secret is not None and len(secret) < 32:  # noqa: PLR2004 - the length is in the message
        faults.append("INBOUND_MAIL_SECRET: at least 32 characters")
    if settings.checkout_time >= settings.hold_time:
        faults.append("HOLD_MINUTES: must exceed CHECKOUT_MINUTES, or a lost seat could be paid")
    if settings.production:
        faults.extend(_production_faults(settings))
    return faults


def _production_faults(settings: Settings) -> list[str]:
    faults = []
    base = settings.stripe_api_base
    if base is not None and (
        urlsplit(base).hostname != STRIPE_HOST or not base.startswith("https")
    ):
        faults.append(f"STRIPE_API_BASE: production pays at https://{STRIPE_HOST} and nowhere else")
    if not settings.stripe_secret_key.startswith(("sk_live_", "rk_live_")):
        faults.append("STRIPE_SECRET_KEY: production needs a live key (sk_live_… or rk_live_…)")
    if not settings.stripe_webhook_secrets:
        faults.append("STRIPE_WEBHOOK_SECRETS: without one every payment event is refused")
    if settings.clock_file is not None:
        faults.append("CLOCK_FILE: production tells the time by its own clock")
    if settings.webhooks_to_loopback:
        faults.append("WEBHOOKS_TO_LOOPBACK: production calls public addresses only")
    if not settings.public_url.startswith("https://"):
        faults.append("PUBLIC_URL: https:// expected")
    return faults


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32  # noqa: PLR2004 - AES-256
    except (ValueError, binascii.Error):
        return False


def _is_der(text: str) -> bool:
    """Tell whether it looks like a key: a DER sequence; the signer reads the rest at boot."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).startswith(b"\x30\x82")
    except (ValueError, binascii.Error):
        return False


def _lines(error: EnvError) -> list[str]:
    messages = getattr(error, "error_messages", None) or {"environment": [str(error)]}
    return [f"{name}: {'; '.join(map(str, texts))}" for name, texts in messages.items()]


class _MappingEnv(Env):
    """An `Env` over a given mapping, for tests and for tools that start other processes."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False, expand_vars=False)
        self._given = dict(environ)

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, default)
