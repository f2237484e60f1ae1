"""Settings fail at boot with one clear line a fault."""

import pytest

from config.settings import SettingsError, load
from tests import settings as test_settings

PRODUCTION = {
    "MARKETPLACE_ENV": "production",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_API_BASE": "https://api.stripe.com",
    "PUBLIC_URL": "https://rotations.example",
}


def faults(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        test_settings.make(**changes)
    assert len(str(refused.value).splitlines()) == len(refused.value.faults)
    return refused.value.faults


def test_nothing_given_names_everything_that_is_needed():
    with pytest.raises(SettingsError) as refused:
        load({})
    named = {line.split(":")[0] for line in refused.value.faults}
    assert named >= {"DATABASE_URL", "SECRET_KEYS", "STRIPE_SECRET_KEY", "SMTP_URL", "PUBLIC_URL"}


def test_an_environment_not_given_is_production():
    given = {**test_settings.ENVIRONMENT, **PRODUCTION}
    del given["MARKETPLACE_ENV"]
    assert load(given).production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MARKETPLACE_ENV", "staging"),
        ("SECRET_KEYS", "short"),
        ("PASSWORD_SALT", "short"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("STRIPE_WEBHOOK_SECRETS", "secret"),
        ("LETTER_KEY", "notbase64!"),
        ("BADGE_KEYS", "MEUCIQ=="),
        ("PUBLIC_URL", "nowhere"),
        ("HOLD_MINUTES", "ten"),
        ("HOLD_MINUTES", "5"),
        ("CHECKOUT_MINUTES", "60"),
        ("PLATFORM_FEE_PERCENT", "101"),
        ("SMALLEST_PUBLISHED_CELL", "1"),
    ],
)
def test_a_fault_names_its_variable(name, value):
    lines = faults(**{name: value})
    related = "HOLD_MINUTES" if name == "CHECKOUT_MINUTES" else name
    assert any(line.startswith(related) for line in lines), lines


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_BASE", "http://127.0.0.1:9000"),
        ("STRIPE_API_BASE", "https://api.stripe.com.evil.example"),
        ("STRIPE_API_BASE", "http://api.stripe.com"),
        ("STRIPE_SECRET_KEY", "sk_test_x"),
        ("STRIPE_WEBHOOK_SECRETS", ""),
        ("CLOCK_FILE", "/tmp/clock"),
        ("PUBLIC_URL", "http://rotations.example"),
        ("WEBHOOKS_TO_LOOPBACK", "true"),
    ],
)
def test_production_refuses_what_is_for_development(name, value):
    lines = faults(**{**PRODUCTION, name: value})
    assert [line.split(":")[0] for line in lines] == [name]


def test_the_driver_is_named_for_sqlalchemy():
    assert test_settings.make(DATABASE_URL="postgresql://x@y/z").database_url == (
        "postgresql+psycopg://x@y/z"
    )
