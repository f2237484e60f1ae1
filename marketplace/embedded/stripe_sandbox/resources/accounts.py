"""Connected accounts: created, taken through onboarding by a hosted page, disabled, rejected."""

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.errors import ApiError, no_such
from marketplace.embedded.stripe_sandbox.forms import (
    Anything,
    Bool,
    Choice,
    Currency,
    Form,
    Group,
    Metadata,
    Text,
    Url,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.render import envelope
from marketplace.embedded.stripe_sandbox.routing import PAGE, Args, Route, listing
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.work import Work

_LINK_LIVES = 300
_DUE = [
    "business_profile.mcc",
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]
_PROFILE = ("mcc", "name", "product_description", "support_email", "support_phone", "url")


def create(work: Work, _args: Args, params: Json) -> Json:
    wanted = params.get("capabilities") or {}
    names = [name for name, wish in wanted.items() if (wish or {}).get("requested")]
    account = work.new("account", "acct", {}, length=16)
    del account["livemode"]
    account["_account"] = PLATFORM
    kind = params.get("type") or _type_of(params.get("controller") or {})
    account.update(
        business_profile=dict.fromkeys((*_PROFILE, "support_address", "support_url")),
        business_type=params.get("business_type"),
        capabilities=dict.fromkeys(names, "inactive")
        or ({} if work.named_version else {"legacy_payments": "active"}),
        charges_enabled=False,
        controller=_controller(kind),
        country=params.get("country") or "US",
        default_currency=params.get("default_currency") or "usd",
        details_submitted=False,
        email=params.get("email"),
        external_accounts={},
        metadata=merge_metadata({}, params.get("metadata") or {}),
        payouts_enabled=False,
        settings=_settings(),
        tos_acceptance={"date": None, "ip": None, "user_agent": None},
        type=kind,
    )
    account["future_requirements"] = requirements([])
    account["requirements"] = requirements(_DUE)
    account["external_accounts"] = envelope([], f"/v1/accounts/{account['id']}/external_accounts")
    account["business_profile"].update(params.get("business_profile") or {})
    work.save(account)
    work.emit("account.updated", account, previous={})
    return account


def _type_of(controller: Json) -> str:
    dashboard = (controller.get("stripe_dashboard") or {}).get("type") or "full"
    return {"full": "standard", "express": "express", "none": "none"}[dashboard]


def _controller(kind: str) -> Json:
    dashboard = {"standard": "full", "express": "express"}.get(kind, "none")
    theirs = kind == "standard"
    return {
        "fees": {"payer": "account" if theirs else "application"},
        "is_controller": True,
        "losses": {"payments": "stripe" if theirs else "application"},
        "requirement_collection": "application" if kind == "custom" else "stripe",
        "stripe_dashboard": {"type": dashboard},
        "type": "application",
    }


def _settings() -> Json:
    """Payouts are manual here: nothing is paid out unless the API asks for it."""
    decline_on = {"avs_failure": False, "cvc_failure": False}
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": decline_on,
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "manual"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }


def requirements(due: list[str], disabled: str | None = None) -> Json:
    """The requirements hash; ``disabled`` is Stripe's reason."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled or ("requirements.past_due" if due else None),
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def onboard(work: Work, account: Json) -> Json:
    """Everything asked for was given on the hosted page: capabilities turn active."""
    bank = bank_account(account)
    account.update(
        capabilities=dict.fromkeys(account["capabilities"], "active"),
        charges_enabled="card_payments" in account["capabilities"],
        details_submitted=True,
        payouts_enabled=True,
        external_accounts=envelope([bank], account["external_accounts"]["url"]),
        requirements=requirements([]),
    )
    account["tos_acceptance"].update(date=work.now, ip="127.0.0.1")
    work.save(account)
    work.emit("account.updated", account, previous={"details_submitted": False})
    return account


def bank_account(account: Json) -> Json:
    """A test bank account, as an external account shows it."""
    return {
        "id": ids.new_id("ba"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": None,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": account["country"],
        "currency": account["default_currency"],
        "default_for_currency": True,
        "fingerprint": ids.token(16),
        "last4": "6789",
        "metadata": {},
        "requirements": None,
        "future_requirements": None,
        "routing_number": "110000000",
        "status": "new",
    }


def disable(work: Work, account: Json, reason: str) -> Json:
    """Stripe stops an account: it can neither charge, be paid out, nor receive transfers."""
    account.update(
        capabilities=dict.fromkeys(account["capabilities"], "inactive"),
        charges_enabled=False,
        payouts_enabled=False,
        requirements=requirements([], reason),
    )
    work.save(account)
    work.emit("account.updated", account, previous={"payouts_enabled": True})
    return account


def retrieve(work: Work, args: Args, _params: Json) -> Json:
    return connected(work, args["id"])


def connected(work: Work, object_id: str) -> Json:
    """A connected account, or Stripe's refusal."""
    account = work.on(PLATFORM).tx.get("account", object_id, PLATFORM)
    if account is None:
        raise no_such("account", object_id, in_url=True)
    return account


def own(work: Work, _args: Args, _params: Json) -> Json:
    """The account of the key, or of the Stripe-Account header."""
    if work.account != PLATFORM:
        return connected(work, work.account)
    found = work.tx.get("account", PLATFORM, "")
    if found is None:
        raise no_such("account", PLATFORM)
    return found


def platform_account(work: Work) -> None:
    """Make the platform's own account at the first start; it is in no list."""
    if work.tx.find(PLATFORM) is not None:
        return
    made = create(work, {}, {"type": "standard", "capabilities": {}})
    work.tx.delete(made["id"])
    made.update(id=PLATFORM, charges_enabled=True, details_submitted=True, payouts_enabled=True)
    made.update(requirements=requirements([]), _account="", controller={"type": "account"})
    url = f"/v1/accounts/{PLATFORM}/external_accounts"
    made["external_accounts"] = envelope([bank_account(made)], url)
    work.tx.sql.execute("DELETE FROM object WHERE kind = 'event'")
    work.save(made)


def pay_in(work: Work) -> None:
    """Top the platform's balance up by what the settings say, once: credit is paid from it."""
    amount = work.settings.opening_balance
    if not amount or work.tx.setting("paid_in"):
        return
    work.book("topup", amount, "usd", source=None, category="topup", description="Top-up")
    work.tx.set_setting("paid_in", str(amount))


def update(work: Work, args: Args, params: Json) -> Json:
    account = connected(work, args["id"])
    account.update({n: params[n] for n in ("email", "business_type") if n in params})
    if "metadata" in params:
        account["metadata"] = merge_metadata(account["metadata"], params["metadata"])
    account["business_profile"].update(params.get("business_profile") or {})
    for name, wish in (params.get("capabilities") or {}).items():
        if (wish or {}).get("requested"):
            active = account["details_submitted"]
            account["capabilities"].setdefault(name, "active" if active else "inactive")
    work.save(account)
    work.emit("account.updated", account, previous={})
    return account


def delete(work: Work, args: Args, _params: Json) -> Json:
    account = connected(work, args["id"])
    there = work.on(account["id"])
    if there.balance(account["default_currency"]) != 0:
        raise ApiError("An account with a balance can't be deleted.", param="account")
    work.tx.delete(account["id"])
    return {"id": account["id"], "object": "account", "deleted": True}


def reject(work: Work, args: Args, params: Json) -> Json:
    return disable(work, connected(work, args["id"]), f"rejected.{params['reason']}")


def create_link(work: Work, _args: Args, params: Json) -> Json:
    account = connected_by_parameter(work, params["account"])
    for name in ("refresh_url", "return_url"):
        if not params.get(name):
            raise ApiError(
                f"Missing required param: {name}.",
                code="parameter_missing",
                param=name,
                stored=False,
            )
    token = ids.token(32)
    expires = work.now + _LINK_LIVES
    kept = work.new("account_link", "link", {"account": account["id"], "expires_at": expires})
    kept.update(
        id=f"link_{token}",
        _refresh=params["refresh_url"],
        _return=params["return_url"],
        _used=False,
    )
    work.save(kept)
    url = f"{work.settings.base_url}/hosted/onboarding/{token}"
    return {"object": "account_link", "created": work.now, "expires_at": expires, "url": url}


def connected_by_parameter(work: Work, object_id: str) -> Json:
    account = work.tx.get("account", object_id, PLATFORM)
    if account is None:
        raise no_such("account", object_id, param="account")
    return account


def login_link(work: Work, args: Args, _params: Json) -> Json:
    account = connected(work, args["id"])
    if account["type"] != "express" or not account["details_submitted"]:
        raise ApiError("Login links are made for onboarded Express accounts.", param="account")
    url = f"{work.settings.base_url}/hosted/express/{account['id']}"
    return {"object": "login_link", "created": work.now, "url": url}


def external_accounts(work: Work, args: Args, _params: Json) -> Json:
    shown: Json = connected(work, args["id"])["external_accounts"]
    return shown


_REQUESTED = Group(of={"requested": Bool()})
_DETAILS = {
    "email": Text(longest=800),
    "business_type": Choice(of=("company", "government_entity", "individual", "non_profit")),
    "business_profile": Group(of={name: Text() for name in _PROFILE}),
    "capabilities": Group(of={"card_payments": _REQUESTED, "transfers": _REQUESTED}),
    "metadata": Metadata(),
}
ROUTES = (
    Route("GET", "/v1/account", own),
    Route(
        "POST",
        "/v1/accounts",
        create,
        Form(
            {
                **_DETAILS,
                "type": Choice(of=("custom", "express", "standard")),
                "country": Text(longest=2),
                "default_currency": Currency(),
                "controller": Group(
                    of={
                        "fees": Anything(),
                        "losses": Anything(),
                        "requirement_collection": Text(),
                        "stripe_dashboard": Group(
                            of={"type": Choice(of=("express", "full", "none"))}
                        ),
                    }
                ),
            }
        ),
    ),
    Route("GET", "/v1/accounts/{id}", retrieve),
    Route("POST", "/v1/accounts/{id}", update, Form(_DETAILS)),
    Route("DELETE", "/v1/accounts/{id}", delete),
    Route(
        "POST",
        "/v1/accounts/{id}/reject",
        reject,
        Form({"reason": Choice(of=("fraud", "other", "terms_of_service"), required=True)}),
    ),
    Route("POST", "/v1/accounts/{id}/login_links", login_link),
    Route(
        "GET",
        "/v1/accounts/{id}/external_accounts",
        external_accounts,
        Form({**PAGE, "object": Text()}),
    ),
    Route(
        "POST",
        "/v1/account_links",
        create_link,
        Form(
            {
                "account": Text(required=True),
                "type": Choice(of=("account_onboarding", "account_update"), required=True),
                "refresh_url": Url(),
                "return_url": Url(),
                "collection_options": Anything(),
            }
        ),
    ),
    listing("account", "/v1/accounts"),
)
