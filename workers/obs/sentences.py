"""What OBS's numbers mean to a person, and how they are mended."""

from __future__ import annotations

from ipc.secrets import SECRETS
from workers.obs.protocol import Closed

SECRET = SECRETS["obs_password"]

_WHERE = f"{SECRET.name} into secrets.toml in the state directory, or {SECRET.variable}"
_SETTINGS = "Tools > WebSocket Server Settings"

PASSWORD_WRONG = (
    "OBS refuses the password",
    f"compare it with {_SETTINGS} > Show Connect Info in OBS: {_WHERE}; then it is tried again",
)
PASSWORD_WANTED = (
    "OBS wants a password",
    f"{_SETTINGS} > Show Connect Info in OBS shows it: {_WHERE}; then it is tried again",
)
KICKED = (
    "OBS sent the show away: somebody pressed Kick there",
    "spark-tui ctl restart obs lets it come back",
)
NOT_RUNNING_HINT = f"start OBS and turn on {_SETTINGS} > Enable WebSocket server; it is tried again"

_OURS = "this is a fault of the show, not yours: please report it"

_CLOSED = {
    int(Closed.UNSUPPORTED_RPC_VERSION): (
        "OBS speaks another version of obs-websocket",
        "update OBS to 28 or newer, or the show",
    ),
    1001: ("OBS ended", ""),
    1009: ("OBS refuses a message as too long", _OURS),
}

_REFUSED = {
    204: ("OBS does not know this request", "update OBS to 28 or newer"),
    207: ("OBS is not ready for a long time", "has it finished loading its scenes?"),
    500: ("OBS cannot do this while the output runs", ""),
    501: ("OBS cannot do this while the output does not run", ""),
    600: ("OBS has nothing of this name", "compare the name with OBS"),
    602: ("what has this name in OBS is of another kind", "compare the name with OBS"),
    604: ("OBS cannot do this as things are", ""),
    702: ("OBS failed to do this", "its log says more"),
}


def closed(code: int | None) -> tuple[str, str]:
    """A sentence and its mend for the code of a closed connection; None: there was no farewell."""
    if code in _CLOSED:
        return _CLOSED[code]
    if code is not None and 4000 <= code < 4100:
        return f"OBS closed the connection as wrongly used (code {code})", _OURS
    return "the connection to OBS broke off", ""


def refused(kind: str, code: int, comment: str) -> tuple[str, str]:
    """The same for the status of a request. ``comment`` is OBS's own."""
    if code in _REFUSED:
        text, hint = _REFUSED[code]
        return f"{text} ({kind})", hint
    said = f": {comment[:200]}" if comment else ""
    return f"OBS says no to {kind} (status {code}){said}", _OURS if code < 500 else ""
