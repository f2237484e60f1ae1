"""What identity's routes take and give."""
