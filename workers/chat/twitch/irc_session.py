"""One connection to Twitch's IRC server, as decisions: what to answer, and when it is over.

Time is handed in (monotonic seconds); nothing here waits, reads or writes. Texts of the
server at a failed login: "Login authentication failed", "Improperly formatted auth" and,
older, "Login unsuccessful" and "Invalid NICK"; they carry no msg-id.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from ipc.secrets import SecretStr
from workers.chat.twitch.irc_parser import Message

CAPABILITIES = "twitch.tv/tags twitch.tv/commands twitch.tv/membership"

_LOGIN_FAILED = (
    "login authentication failed",
    "improperly formatted auth",
    "login unsuccessful",
    "invalid nick",
)
_ROOM_CLOSED = ("msg_channel_suspended", "tos_ban", "msg_room_not_found")
_COMMANDS = {
    *("CAP", "GLOBALUSERSTATE", "JOIN", "MODE", "NOTICE", "PART", "PING", "PONG", "RECONNECT"),
    *("CLEARCHAT", "CLEARMSG", "HOSTTARGET", "PRIVMSG", "ROOMSTATE", "USERNOTICE"),
    *("USERSTATE", "WHISPER"),
}
_STRANGE_MAX = 25  # lines in a row that no IRC server of Twitch says
_TEXT_MAX = 200
_PING = "spark"


@dataclass(frozen=True)
class Timing:
    """How long to wait for what, seconds."""

    connect_s: float = 15.0  # for TCP and TLS together
    login_s: float = 15.0  # from connected to welcome (001)
    join_s: float = 10.0  # a channel that is not there is answered with silence
    rejoin_s: float = 60.0  # before such a channel is tried again
    quiet_s: float = 60.0  # nothing heard for so long: ask whether anybody is there
    pong_s: float = 15.0  # and wait so long for any line
    stable_s: float = 60.0  # joined for so long: the next delay is the first one again
    told_s: float = 60.0  # drops are told at most this often
    limit_s: float = 10.0  # the server's limit of logins: 20 in 10 s
    limit: int = 20


class End(Enum):
    """Why a session ended its connection; one that was merely lost has none of these."""

    REFUSED = auto()  # login or token
    BANNED = auto()  # this login, in this channel
    RECONNECT = auto()  # the server asks for it
    SILENT = auto()
    GARBAGE = auto()  # what answers is no IRC server


class Phase(Enum):
    LOGIN = auto()
    JOINING = auto()
    JOINED = auto()


class Session:
    """``login`` empty: anonymous. ``due`` is when ``tick`` must be called next."""

    def __init__(
        self, channel: str, nick: str, token: SecretStr, timing: Timing, now_s: float
    ) -> None:
        self._target = f"#{channel}"
        self._nick = nick
        self._token = token
        self._timing = timing
        self._heard_s = now_s
        self._asked_s = math.inf  # when our own PING went out, while it is unanswered
        self._phase_due_s = now_s + timing.login_s
        self._strange = 0
        self.phase = Phase.LOGIN
        self.ended: End | None = None
        self.why = ""  # the server's words, or ours
        self.joined_s = math.inf
        self.missing = ""  # why the channel cannot be joined, as a sentence

    @property
    def due_s(self) -> float:
        if self._asked_s < math.inf:
            return min(self._phase_due_s, self._asked_s + self._timing.pong_s)
        return min(self._phase_due_s, self._heard_s + self._timing.quiet_s)

    def greeting(self) -> str:
        """What is sent first. PASS must come before NICK."""
        secret = "".join(self._token.reveal().split()).removeprefix("oauth:")
        password = f"oauth:{secret}" if secret else "SCHMOOPIIE"  # anybody's, when anonymous
        return f"CAP REQ :{CAPABILITIES}\r\nPASS {password}\r\nNICK {self._nick}\r\n"

    def hear(self, message: Message | None, now_s: float) -> str:
        """A line of the server, None if it is no message at all; the answer, or nothing."""
        if message is None or not (message.command in _COMMANDS or _numeric(message.command)):
            self._strange += 1
            if self._strange >= _STRANGE_MAX:
                self._end(End.GARBAGE, "what answers there is not Twitch's IRC server")
            return ""
        self._strange = 0
        self._heard_s, self._asked_s = now_s, math.inf
        command = message.command
        if command == "PRIVMSG":
            return ""
        if command == "PING":
            return f"PONG :{message.param(0)}\r\n"
        if command == "RECONNECT":
            self._end(End.RECONNECT, "the server asked for a new connection")
        elif command == "NOTICE":
            self._notice(message, now_s)
        elif command == "CAP" and message.param(1).upper() == "NAK":
            self._end(End.GARBAGE, "the server does not know Twitch's capabilities")
        elif command == "001" and self.phase is Phase.LOGIN:
            return self._join(now_s)
        elif (
            command in ("ROOMSTATE", "366")
            and self.phase is Phase.JOINING
            and self._target in (message.param(0).lower(), message.param(1).lower())
        ):
            self.phase, self._phase_due_s, self.joined_s = Phase.JOINED, math.inf, now_s
            self.missing = ""
        return ""

    def tick(self, now_s: float) -> str:
        """Call it when ``due_s`` has come; what to send, or nothing."""
        if self._asked_s + self._timing.pong_s <= now_s:
            self._end(End.SILENT, f"nothing was heard for {now_s - self._heard_s:.0f} s")
        elif self._phase_due_s <= now_s:
            if self.phase is Phase.LOGIN:
                self._end(End.SILENT, f"no answer to the login within {self._timing.login_s:g} s")
            elif self.missing:
                return self._join(now_s)
            else:
                self._cannot_join(f"there is no Twitch channel {self._target}", now_s)
        elif self._heard_s + self._timing.quiet_s <= now_s and self._asked_s == math.inf:
            self._asked_s = now_s
            return f"PING :{_PING}\r\n"
        return ""

    def _join(self, now_s: float) -> str:
        self.phase, self._phase_due_s = Phase.JOINING, now_s + self._timing.join_s
        if self.missing:  # tried before: the next try is told by nobody, and comes late
            self._phase_due_s = now_s + self._timing.rejoin_s
        return f"JOIN {self._target}\r\n"

    def _cannot_join(self, why: str, now_s: float) -> None:
        self.phase, self._phase_due_s = Phase.JOINING, now_s + self._timing.rejoin_s
        self.missing = why

    def _notice(self, message: Message, now_s: float) -> None:
        text = message.param(1)[:_TEXT_MAX]
        reason = message.tags.get("msg-id", "")
        if self.phase is Phase.LOGIN and text.lower().startswith(_LOGIN_FAILED):
            self._end(End.REFUSED, text)
        elif reason == "msg_banned" and message.param(0).lower() == self._target:
            self._end(End.BANNED, text)
        elif reason in _ROOM_CLOSED and message.param(0).lower() == self._target:
            self._cannot_join(f"Twitch says of {self._target}: {text}", now_s)

    def _end(self, end: End, why: str) -> None:
        if self.ended is None:
            self.ended, self.why = end, why


def _numeric(command: str) -> bool:
    return len(command) == 3 and command.isdigit()
