"""Settings for tests: everything given, nothing real."""

from collections.abc import Mapping

from config.settings import load
from marketplace.core.settings import Settings

ENVIRONMENT: Mapping[str, str] = {
    "MARKETPLACE_ENV": "test",
    "SECRET_KEYS": "a-secret-for-tests-of-more-than-32-characters",
    "PASSWORD_SALT": "a-salt-for-tests-only",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "STRIPE_SECRET_KEY": "sk_test_for_tests",
    "STRIPE_WEBHOOK_SECRETS": "whsec_for_tests",
    "STRIPE_API_BASE": "http://127.0.0.1:1",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "REPLY_DOMAIN": "reply.marketplace.test",
    "INBOUND_MAIL_SECRET": "a-secret-of-the-mail-server-for-tests",
    "OBJECT_STORE_URL": "memory://",
    "LETTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "PUBLIC_URL": "http://marketplace.test",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT": "100000/minute",
    "LOGIN_RATE_LIMIT": "100000/minute",
}


def make(**changes: str) -> Settings:
    """Return the test settings with some of the environment changed."""
    return load({**ENVIRONMENT, **changes})
