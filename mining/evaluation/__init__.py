"""A mined assistant measured: figures, and a report to read them in."""
