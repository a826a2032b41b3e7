"""What Twitch's IRC server lets one connection do and hear: the rules of the test server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from doubles.twitch_irc_lines import ROOM_ID, SERVER, number_of, tagged

if TYPE_CHECKING:
    from doubles.twitch_irc import TwitchIrcServer

CAPABILITIES = {"twitch.tv/tags", "twitch.tv/commands", "twitch.tv/membership"}
_NEEDS_COMMANDS = {"CLEARCHAT", "CLEARMSG", "ROOMSTATE", "USERNOTICE", "USERSTATE"}
_WELCOME = {
    "001": ":Welcome, GLHF!",
    "002": f":Your host is {SERVER}",
    "003": ":This server is rather new",
    "004": ":-",
    "375": ":-",
    "372": ":You are in a maze of twisty passages, all alike.",
    "376": ":>",
}


class Limit:
    """At most ``count`` within ``window_s``."""

    def __init__(self, count: int, window_s: float, now_s: Callable[[], float]) -> None:
        self._window_s, self._now_s = window_s, now_s
        self._times: deque[float] = deque(maxlen=count)

    def over(self) -> bool:
        """Counts one more; whether that was too many."""
        now = self._now_s()
        full = len(self._times) == self._times.maxlen
        if full and now - self._times[0] < self._window_s:
            return True
        self._times.append(now)
        return False


class Client:
    """One connection, whatever carries it: what it said and what it may hear."""

    def __init__(self, server: TwitchIrcServer, write: Callable[[bytes], None]) -> None:
        self.server = server
        self.write = write
        self.nick = ""
        self.password: str | None = None
        self.caps: set[str] = set()
        self.rooms: set[str] = set()
        self.heard: list[str] = []  # its lines
        self.deaf = False  # neither answers nor sends, from now on
        self.pongs = True  # answers PING
        self.close: Callable[[], None] = lambda: None
        self.abort: Callable[[], None] = lambda: None  # without a word of TLS
        self.reset: Callable[[], None] = lambda: None  # by RST
        self.deafen: Callable[[], None] = lambda: None  # reads nothing from its socket any more
        self._sent: deque[str] = deque(maxlen=1)

    @property
    def anonymous(self) -> bool:
        return self.nick.startswith("justinfan")

    def send(self, rest: str, tags: dict[str, str] | None = None) -> None:
        """One line, as far as its capabilities allow."""
        command = rest.split(" ")[1] if rest.startswith(":") else rest.split(" ", maxsplit=1)[0]
        if self.deaf or (command in _NEEDS_COMMANDS and "twitch.tv/commands" not in self.caps):
            return
        tags = (tags or {}) if "twitch.tv/tags" in self.caps else {}
        self.write(tagged(tags, rest).encode() + b"\r\n")

    def receive(self, line: str) -> None:
        """One line of the client."""
        self.heard.append(line)
        self.server.moved()
        if self.deaf or not line:
            return
        command, _, rest = line.partition(" ")
        handler = getattr(self, f"_{command.lower()}", None)
        if handler is None:
            self.send(f":{SERVER} 421 {self.nick or 'you'} {command} :Unknown command")
        else:
            handler(rest)

    def _cap(self, rest: str) -> None:
        verb, _, wanted = rest.partition(" ")
        if verb.upper() == "LS":
            self.send(f":{SERVER} CAP * LS :{' '.join(sorted(CAPABILITIES))}")
        elif verb.upper() == "REQ":
            names = wanted.removeprefix(":").split()
            known = set(names) <= CAPABILITIES
            if known:
                self.caps |= set(names)
            self.send(f":{SERVER} CAP * {'ACK' if known else 'NAK'} :{' '.join(names)}")

    def _pass(self, rest: str) -> None:
        self.password = rest.removeprefix(":")

    def _nick(self, rest: str) -> None:
        nick = rest.removeprefix(":").lower()
        if self.server.logins.over():
            self.server.locked_out += 1
            self.close()
        elif nick.startswith("justinfan") and nick[9:].isdigit():
            self._welcome(nick)
        elif self.password is None or not self.password.startswith("oauth:"):
            self._refuse("Improperly formatted auth")
        elif self.server.tokens.get(self.password.removeprefix("oauth:")) != nick:
            self._refuse("Login authentication failed")
        else:
            self._welcome(nick)

    def _refuse(self, text: str) -> None:
        self.server.refused += 1
        self.send(f":{SERVER} NOTICE * :{text}")
        self.close()

    def _welcome(self, nick: str) -> None:
        self.nick = nick
        for number, text in _WELCOME.items():
            self.send(f":{SERVER} {number} {nick} {text}")
        if not self.anonymous:
            tags = {"display-name": nick, "user-id": number_of(nick)}
            if "twitch.tv/commands" in self.caps:
                self.send(f":{SERVER} GLOBALUSERSTATE", tags)

    def _user(self, rest: str) -> None:
        """Ignored, as Twitch does."""

    def _join(self, rest: str) -> None:
        for name in rest.split(","):
            channel = name.strip().removeprefix("#").lower()
            if not self.nick or channel not in self.server.channels or self.server.no_roomstate:
                continue  # Twitch says nothing at all
            if self.server.joins.over():
                self.server.locked_out += 1
                continue
            if self.nick in self.server.banned and not self.anonymous:
                self.send(
                    f":{SERVER} NOTICE #{channel} :You are permanently banned from talking in "
                    f"{channel}.",
                    {"msg-id": "msg_banned"},
                )
                continue
            me = f"{self.nick}!{self.nick}@{self.nick}.{SERVER}"
            self.rooms.add(channel)
            self.send(f":{me} JOIN #{channel}")
            self.send(f":{self.nick}.{SERVER} 353 {self.nick} = #{channel} :{self.nick}")
            self.send(f":{self.nick}.{SERVER} 366 {self.nick} #{channel} :End of /NAMES list")
            if not self.anonymous:
                self.send(f":{SERVER} USERSTATE #{channel}", {"display-name": self.nick})
            self.send(
                f":{SERVER} ROOMSTATE #{channel}",
                {"emote-only": "0", "followers-only": "-1", "r9k": "0", "room-id": ROOM_ID}
                | {"slow": "0", "subs-only": "0"},
            )
            self.server.moved()

    def _part(self, rest: str) -> None:
        self.rooms.discard(rest.removeprefix("#").lower())

    def _ping(self, rest: str) -> None:
        if self.pongs and rest:
            self.send(f":{SERVER} PONG {SERVER} :{rest.removeprefix(':')}")
        elif self.pongs:
            self.send(f"PONG :{SERVER}")  # to a PING without words, as tmi.js expects it

    def _pong(self, rest: str) -> None:
        """Seen in ``heard``."""

    def _quit(self, rest: str) -> None:
        self.close()

    def _privmsg(self, rest: str) -> None:
        target, _, text = rest.partition(" :")
        channel = target.removeprefix("#").lower()
        if self.anonymous or not self.nick or channel not in self.rooms:
            return
        text = text[:500]
        if self.server.messages.over():
            problem = "msg_ratelimit", "Your message was not sent because you are sending too fast."
        elif text in self._sent:
            problem = "msg_duplicate", "Your message was not sent because it is identical."
        else:
            self._sent.append(text)
            self.send(f":{SERVER} USERSTATE #{channel}", {"display-name": self.nick})
            self.server.say(text, author=self.nick, channel=channel, but=self)
            return
        self.send(f":{SERVER} NOTICE #{channel} :{problem[1]}", {"msg-id": problem[0]})
