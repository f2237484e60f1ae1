"""Errors in Stripe's shape (https://docs.stripe.com/api/errors): type, code, param, message."""

from collections.abc import Mapping
from typing import Any

from marketplace.embedded.stripe_sandbox.shapes import Json


class ApiError(Exception):
    """An answer other than 2xx.

    ``stored`` says whether the answer is kept under the request's idempotency key: Stripe keeps
    whatever an endpoint answered once it began to run, not what validation refused before.
    ``commit`` says whether the changes made so far stay (a declined charge is a fact).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = True,
        commit: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.commit = commit
        self.retry_after: int | None = None
        self.fields: Json = {"type": kind, "message": message}
        if code is not None:
            self.fields["code"] = code
            self.fields["doc_url"] = "https://docs.stripe.com/error-codes"
        if param is not None:
            self.fields["param"] = param
        self.fields.update(extra or {})

    def body(self, request_id: str) -> Json:
        """The JSON body; ``request_id`` ends up in the link to the request's log."""
        log = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": {**self.fields, "request_log_url": log}}


def bad_parameter(
    param: str, message: str, *, code: str | None = "parameter_invalid_empty"
) -> ApiError:
    """A parameter refused before the endpoint ran; never stored under a key."""
    return ApiError(message, param=param, code=code, stored=False)


def no_such(kind: str, object_id: str, *, param: str = "id", in_url: bool = False) -> ApiError:
    """404 for an id in the address, 400 for one in the parameters, as Stripe does."""
    return ApiError(
        f"No such {kind.replace('_', ' ')}: '{object_id}'",
        status=404 if in_url else 400,
        code="resource_missing",
        param=param,
    )


def wrong_state(message: str, *, code: str, extra: Mapping[str, Any] | None = None) -> ApiError:
    """The object exists but its state does not allow this."""
    return ApiError(message, code=code, extra=extra)


def unauthorized(message: str, *, code: str | None = None) -> ApiError:
    """401: no key, or one that this sandbox does not take."""
    return ApiError(message, status=401, code=code, stored=False)


def not_covered(what: str) -> ApiError:
    """Stripe knows it, this sandbox does not."""
    return ApiError(f"{what} is not covered by this sandbox.", stored=False)
