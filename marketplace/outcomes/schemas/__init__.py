"""What the routes of outcomes take and give, by what they are about."""
