"""All selects of the package, by what they are about."""
