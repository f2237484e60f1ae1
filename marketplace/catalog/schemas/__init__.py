"""What the catalogue's routes take and give."""
