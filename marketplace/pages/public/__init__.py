"""Pages that anyone may read: the front door and the API reference."""
