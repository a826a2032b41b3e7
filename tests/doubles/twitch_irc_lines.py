"""Lines as Twitch's IRC server writes them, for the test server."""

from __future__ import annotations

import itertools
import time
import zlib
from collections.abc import Callable, Iterator

SERVER = "tmi.twitch.tv"
ROOM_ID = "713936733"

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\:", " ": "\\s", "\r": "\\r", "\n": "\\n"})


def escape(value: str) -> str:
    """A tag value as it stands on the wire."""
    return value.translate(_ESCAPES)


def tagged(tags: dict[str, str], rest: str) -> str:
    """``@tags rest``; ``rest`` alone without tags."""
    if not tags:
        return rest
    return "@" + ";".join(f"{name}={escape(value)}" for name, value in tags.items()) + " " + rest


def privmsg(
    channel: str,
    author: str,
    text: str,
    *,
    line_id: str,
    user_id: str = "",
    display: str = "",
    badges: str = "",
    action: bool = False,
    **more: str,
) -> tuple[dict[str, str], str]:
    """Tags and rest of a viewer's line. ``more``: further tags, ``_`` for ``-``."""
    tags = {
        "badge-info": "subscriber/13" if "subscriber" in badges else "",
        "badges": badges,
        "client-nonce": "997dcf443c31e258c1d32a8da47b6936",
        "color": "#0000FF",
        "display-name": display or author.capitalize(),
        "emotes": "",
        "first-msg": "0",
        "flags": "",
        "id": line_id,
        "mod": "1" if "moderator" in badges else "0",
        "returning-chatter": "0",
        "room-id": ROOM_ID,
        "subscriber": "1" if "subscriber" in badges else "0",
        "tmi-sent-ts": str(int(time.time() * 1000)),
        "turbo": "0",
        "user-id": user_id or number_of(author),
        "user-type": "",
    }
    tags |= {name.replace("_", "-"): value for name, value in more.items()}
    said = f"\x01ACTION {text}\x01" if action else text
    return tags, f":{author}!{author}@{author}.{SERVER} PRIVMSG #{channel} :{said}"


def usernotice(
    channel: str,
    author: str,
    event: str,
    *,
    line_id: str,
    system: str,
    text: str = "",
    **more: str,
) -> tuple[dict[str, str], str]:
    """Tags and rest of a USERNOTICE. ``more``: its msg-param tags, ``_`` for ``-``."""
    tags = {
        "badge-info": "",
        "badges": "",
        "display-name": author.capitalize(),
        "emotes": "",
        "id": line_id,
        "login": author,
        "mod": "0",
        "msg-id": event,
        "room-id": ROOM_ID,
        "subscriber": "0",
        "system-msg": system,
        "tmi-sent-ts": str(int(time.time() * 1000)),
        "user-id": number_of(author),
        "user-type": "",
    }
    tags |= {name.replace("_", "-"): value for name, value in more.items()}
    return tags, f":{SERVER} USERNOTICE #{channel}" + (f" :{text}" if text else "")


def number_of(author: str) -> str:
    """The user id of a login: the same every time."""
    return str(1_000_000 + zlib.crc32(author.encode()))


Lines = Callable[[int], bytes]


def flood_lines(channel: str, *, users: int = 500, texts: int = 200) -> Lines:
    """Makes blocks of ``n`` different lines with full tags, cheaply (about 1 us a line).

    The id of a line is ``COUNTER-NANOSECONDS``: eight hexadecimal digits that count up, and
    CLOCK_MONOTONIC when its block was made, for whoever measures.
    """
    words = ["chat", "nova", "what", "is", "the", "best", "game", "today", "hello", "why", "lol"]
    ends = []
    for number in range(users * 4):
        author = f"viewer{number % users}"
        first, second = number % len(words), number // len(words) % len(words)
        said = f"{words[first]} {words[second]} number {number % texts}?"
        tags, rest = privmsg(channel, author, said, line_id="ID", badges="subscriber/12,premium/1")
        ends.append(tagged(tags, rest).encode() + b"\r\n")
    cut = [tuple(end.split(b";id=ID;")) for end in ends]
    endless: Iterator[tuple[bytes, ...]] = itertools.cycle(cut)
    counter = itertools.count()

    def block(lines: int) -> bytes:
        now = b"-%d;" % time.monotonic_ns()
        return b"".join(
            [
                b"%b;id=%08x%b%b" % (head, number, now, tail)
                for number, (head, tail) in zip(
                    itertools.islice(counter, lines), endless, strict=False
                )
            ]
        )

    return block
