"""Settings and server configuration; the only place that reads the environment."""
