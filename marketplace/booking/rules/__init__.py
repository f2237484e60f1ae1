"""Pure rules of a booking: its deadlines, its days, and what a cancellation pays back."""
