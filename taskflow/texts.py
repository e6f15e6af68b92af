"""When two wordings are the same."""


def normalise(text: str) -> str:
    """The form in which two wordings count as the same: case and spaces do not matter."""
    return " ".join(text.casefold().split())
