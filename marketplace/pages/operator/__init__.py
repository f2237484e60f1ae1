"""The operators' desk: what waits for somebody, and everything about any booking, on pages."""
