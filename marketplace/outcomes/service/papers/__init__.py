"""Papers: their facts, their issue, their files, and the check of a code."""
