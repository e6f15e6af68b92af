"""What may go wrong with a backbone: one family, each saying whether trying again may help and what to do."""

from __future__ import annotations

from taskflow.errors import TaskFlowError


class BackboneError(TaskFlowError):
    """A model that cannot be loaded or did not answer; `retryable` says whether trying again may help."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnreachableError(BackboneError):
    """A server that is not there, broke down or was silent for too long."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class OverloadedError(BackboneError):
    """A server with too much to do, or one that is being left alone after many failures."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message, retryable=True)
        self.after = after
        """The seconds that the server asked to be left alone, where it told."""


class BrokenAnswerError(BackboneError):
    """An answer that ended in the middle or cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class RefusedError(BackboneError):
    """A request that the server or the model will not take, however often it is sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class NotOfferedError(RefusedError):
    """Something asked of a backbone that its capabilities do not hold."""


class OffListError(BackboneError):
    """A model that was to choose and answered with something else."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class OutOfTimeError(BackboneError):
    """The deadline passed before the answer was whole."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class CancelledError(BackboneError):
    """Whoever asked no longer wants the answer."""

    def __init__(self) -> None:
        super().__init__("the answer is no longer wanted", retryable=False)
