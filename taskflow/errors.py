"""The one kind of error that is told to people as it stands."""


class TaskFlowError(Exception):
    """Its message is one sentence: what is wrong, where, and the remedy. The command line and the pages show it."""
