"""The errors of the pipeline. The base class tells delivery what to do.

::

    BellwetherError
    ├── Rejected              will never work: dead letter, neighbours go on
    ├── Unavailable           not now: wait and try again, order kept
    └── ConfigurationError    the operator must act: one line, exit 2

Anything else raised by a stage is our bug: nothing is acknowledged, the process ends,
its supervisor starts it again and Kafka delivers the same records once more.
"""

from datetime import timedelta


class BellwetherError(Exception):
    """Base of every error raised on purpose."""


class Rejected(BellwetherError):
    """This one input can never be handled; `reason` is one line for its dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:500]


class Unavailable(BellwetherError):
    """A dependency does not answer now; try again after `retry_after` or by back-off."""

    def __init__(self, what: str, retry_after: timedelta | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after = retry_after


class ConfigurationError(BellwetherError):
    """Settings, rules or files that cannot work; the message says what, where, what to do."""
