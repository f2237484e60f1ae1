"""What webhooks refuse, each with a stable code."""

from marketplace.core.errors import Conflict, ConstraintErrors, Invalid


class UrlRefused(Invalid):
    code = "webhook_url_refused"
    title = "This address can't be called."


class TypesRefused(Invalid):
    code = "webhook_types_refused"
    title = "These event types can't be chosen here."


class TooManyEndpoints(Conflict):
    code = "too_many_webhooks"
    title = "There are as many endpoints as are allowed. Delete one first."


class EndpointExists(Conflict):
    code = "webhook_exists"
    title = "There is an endpoint with this address. Change that one."
    about = ("url",)


class EndpointDisabled(Conflict):
    code = "webhook_disabled"
    title = "This endpoint is disabled. Enable it first."


class LastSecret(Conflict):
    code = "last_webhook_secret"
    title = "This is the only secret that signs. Rotate it, with an overlap of 0, instead."


class AttemptsKept(Conflict):
    code = "webhook_attempts_kept"
    title = "Attempts are only added."


CONSTRAINTS: ConstraintErrors = {
    "history_webhook_attempt": AttemptsKept,
    "uq_webhook_endpoint_url": EndpointExists,
}
