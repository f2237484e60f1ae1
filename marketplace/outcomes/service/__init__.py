"""Use cases of outcomes, a module each; they flush and never commit."""
