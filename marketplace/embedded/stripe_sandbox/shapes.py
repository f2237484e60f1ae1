"""Shared names for untyped data: Stripe objects travel as JSON dictionaries."""

from typing import Any

Json = dict[str, Any]

API_VERSION = "2026-05-27.dahlia"
PLATFORM = "acct_1SandboxPlatform"
"""Id of the account that the secret key belongs to; connected accounts get their own."""
