"""What follows an intent's success elsewhere: its Checkout Session, and the kept payment method."""

from marketplace.embedded.stripe_sandbox import states
from marketplace.embedded.stripe_sandbox.resources.customers import attach
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

_PAID = ("succeeded", "requires_capture")


def keep_method(work: Work, intent: Json) -> None:
    """After a success: attach for later use, or mark as used up."""
    if intent["status"] not in ("succeeded", "requires_capture", "processing"):
        return
    method = work.load("payment_method", intent["payment_method"], param="payment_method")
    if method["customer"] is not None:
        return
    if intent["customer"] and (intent["setup_future_usage"] or intent.get("_keep")):
        # Agreed to on the page itself it may be offered on every page, else only where asked for.
        method["allow_redisplay"] = "always" if intent.get("_keep") else "limited"
        attach(work, method, intent["customer"])
    else:
        work.save({**method, "_spent": True})


def complete(work: Work, intent: Json) -> None:
    """Bring the session of an intent up to date after anything happened to the intent."""
    if not intent.get("_session"):
        return
    session = work.load("checkout.session", intent["_session"])
    keep_method(work, intent)
    if session["status"] == "open" and intent["status"] in (*_PAID, "processing"):
        states.check("checkout session", states.SESSION, session["status"], "complete")
        paid = intent["status"] == "succeeded"
        session.update(status="complete", url=None, _due=None)
        session["payment_status"] = "paid" if paid else "unpaid"
        work.save(session)
        work.emit("checkout.session.completed", session)
    elif session["status"] == "complete" and session["payment_status"] == "unpaid":
        _late(work, session, intent)


def _late(work: Work, session: Json, intent: Json) -> None:
    """The outcome of a bank debit, or of a later capture."""
    method_is_late = "_outcome" in intent
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        work.save(session)
        if method_is_late:
            work.emit("checkout.session.async_payment_succeeded", session)
    elif intent["status"] == "requires_payment_method" and method_is_late:
        work.emit("checkout.session.async_payment_failed", session)
