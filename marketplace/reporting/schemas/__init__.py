"""What the routes of reporting take and give."""
