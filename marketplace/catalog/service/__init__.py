"""What can be done with the catalogue: import, publish, review, take seats, search."""
