"""Use cases of identity, a module each; they flush and never commit."""
