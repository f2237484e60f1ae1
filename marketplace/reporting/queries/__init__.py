"""All selects of reporting; the one place that reads across the tables of other packages."""
