"""The sandbox behind the current request."""

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from marketplace.embedded.stripe_sandbox.app import Sandbox


def sandbox() -> "Sandbox":
    return cast("Sandbox", current_app.extensions["stripe_sandbox"])
