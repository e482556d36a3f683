"""The errors a user can cause, each with the exit code that a script can act on."""


class HeadwayError(Exception):
    """An expected failure: a message of one line per mistake, and an exit code.

    Args:
        messages: One or more mistakes; each says what was expected, what came and how to fix it.
    """

    exit_code = 1

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class ConfigError(HeadwayError):
    """The command line or a configuration file asks for something that cannot be."""

    exit_code = 2


class DataError(HeadwayError):
    """A data file is missing, malformed, or too small for what is asked of it."""

    exit_code = 3


class StoredRunError(HeadwayError):
    """A stored run or forecaster is missing, damaged, or not what it says it is."""

    exit_code = 4


class NumericError(HeadwayError):
    """Training or forecasting left the finite numbers."""

    exit_code = 5


class StorageError(HeadwayError):
    """The folder of a run cannot be written."""

    exit_code = 6


class TrackingError(HeadwayError):
    """Tracking failed where `tracking.required=true`."""

    exit_code = 7


class RequirementError(HeadwayError):
    """The result is not what `evaluation.require` asks for, or an audit found a leak."""

    exit_code = 8


class SweepError(HeadwayError):
    """A child of a sweep failed; the others went on."""

    exit_code = 9


class Pruned(HeadwayError):  # noqa: N818 - a training that others have overtaken is no error of anybody
    """A sweep ended one of its trainings early, because others do better."""

    exit_code = 0


class Interrupted(HeadwayError):  # noqa: N818 - an interruption is no error of anybody
    """The user or the system asked the program to stop."""

    exit_code = 75
