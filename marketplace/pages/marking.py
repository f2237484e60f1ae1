"""The mark of texts that are translated where they are shown."""


def noted(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text
