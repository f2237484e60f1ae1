"""Use cases of webhooks, a module each."""
