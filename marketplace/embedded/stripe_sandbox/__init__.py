"""A loopback stand-in for Stripe: what the marketplace uses of it, with Stripe's semantics.

Owns: its own process, its own durable store (one SQLite file), hosted payment and onboarding
pages, signed and retried webhooks, and a fault interface that plays what goes wrong in production.

Promises: the untouched ``stripe`` SDK is answered in the shape of API version 2026-05-27.dahlia;
what was answered survives kill -9; a balance always equals the sum of its balance transactions.

Refuses: live keys, card networks, anything it does not cover (with an error that says so). It is
an emulator: agreement with it is no proof of agreement with Stripe.
"""
