"""Every error the show raises on purpose.

::

    SparkError                      something a person can mend; carries a hint and an exit code
    +-- UsageError                  the command line makes no sense (2)
    +-- ConfigError                 config.toml, profile, environment or secrets are wrong (78)
    +-- ModelMissing                a model or voice named in the configuration is not there (78)
    +-- PathNotWritable             a file the user named cannot be written (73)
    +-- RuntimeDirError             the directory for the sockets cannot be used (73)
    |   +-- ShowAlreadyRunning      another show holds this state directory (75)
    +-- NoShowRunning               no show answers for this state directory (69)
    +-- ProtocolError               bytes on a socket that are not what the plane speaks (76)
    |   +-- VersionMismatch         the other side speaks another protocol version (76)
    +-- RequestFailed               the show answered a request with an error (1)
    |   +-- RequestTimeout          the show did not answer in time (1)
    +-- PeerUnavailable             a worker that is needed is not there now (1)
    +-- AddressInUse                a port the configuration names is taken (78)

Exit codes follow sysexits(3) where one fits; ``docs/cli.md`` lists them.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_NO_SHOW = 69
EXIT_CANNOT_CREATE = 73
EXIT_ALREADY_RUNNING = 75
EXIT_PROTOCOL = 76
EXIT_CONFIG = 78


class SparkError(Exception):
    """A failure with a sentence for a person.

    ``message`` names the place, ``hint`` the mend. ``str()`` gives both.
    """

    exit_code: ClassVar[int] = EXIT_FAILURE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(SparkError):
    """What was typed on the command line cannot be carried out. Nothing was started."""

    exit_code = EXIT_USAGE


class ConfigError(SparkError):
    """The configuration cannot be used. Never retried."""

    exit_code = EXIT_CONFIG


class ModelMissing(SparkError):
    """A model, voice or adapter named in the configuration is not installed."""

    exit_code = EXIT_CONFIG


class PathNotWritable(SparkError):
    """A file the user asked for cannot be created."""

    exit_code = EXIT_CANNOT_CREATE


class RuntimeDirError(SparkError):
    """The directory for the sockets cannot be made, is too long or is not private."""

    exit_code = EXIT_CANNOT_CREATE


class ShowAlreadyRunning(RuntimeDirError):
    """The lock of this state directory is held by a living supervisor."""

    exit_code = EXIT_ALREADY_RUNNING


class NoShowRunning(SparkError):
    """Nobody holds the lock of this state directory."""

    exit_code = EXIT_NO_SHOW


class ProtocolError(SparkError):
    """Frames that do not decode to a message of their plane."""

    exit_code = EXIT_PROTOCOL


class VersionMismatch(ProtocolError):
    """Hello and Welcome carry different protocol versions."""


class RequestFailed(SparkError):
    """The show refused a request or failed to carry it out."""


class RequestTimeout(RequestFailed):
    """No answer to a request before its deadline."""


class PeerUnavailable(SparkError):
    """A worker needed for this request is not ready."""


class AddressInUse(SparkError):
    """A port named in the configuration is taken by another program."""

    exit_code = EXIT_CONFIG
