"""The use cases of reporting."""
