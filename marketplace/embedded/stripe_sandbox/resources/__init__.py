"""One module for each kind of Stripe object: its parameters, its transitions, its routes."""
