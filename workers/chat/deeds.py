"""What is done on platforms for an operator: in order, in time, and never in the way.

What counts in the show is done before and does not depend on any of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ipc.errors import RequestFailed
from ipc.operator import VERBS
from workers.chat.clean import clean
from workers.chat.ledger import Ledger
from workers.chat.platform import Platform, PlatformRefused, ReadOnly

DONE = "done"
_ANSWER_S = 1.0  # of a verb's time is left for the answer itself
_LONGEST = 2_000  # characters; a platform with a smaller limit splits


def within_s(verb: str) -> float:
    """How long a platform has for it."""
    return VERBS[verb].timeout_s - _ANSWER_S


class Deeds:
    """Calls platforms. Deeds about one viewer go one after the other, as they were ordered."""

    def __init__(self, platforms: Mapping[str, Platform]) -> None:
        self._platforms = platforms
        self._orders: dict[str, tuple[asyncio.Lock, int]] = {}

    async def do(
        self, name: str, about: str, within_s: float, deed: Callable[[Platform], Awaitable[None]]
    ) -> tuple[str, str]:
        """(DONE, "") or ("not there: why", how to mend it). Raises nothing of a platform's."""
        platform = self._platforms.get(name)
        if platform is None:
            return f"not there: {name} is not read by this show", ""
        lock, users = self._orders.get(about, (asyncio.Lock(), 0))
        self._orders[about] = (lock, users + 1)
        try:
            async with asyncio.timeout(within_s), lock:
                await deed(platform)
        except PlatformRefused as refused:
            return f"not there: {refused.message}", refused.hint
        except TimeoutError:
            return f"not there: {name} did not answer within {within_s:g} s", "try again"
        finally:
            lock, users = self._orders.pop(about)
            if users > 1:
                self._orders[about] = (lock, users - 1)
        return DONE, ""


async def send(
    args: Mapping[str, Any], platforms: Mapping[str, Platform], deeds: Deeds, ledger: Ledger
) -> dict[str, Any]:
    """The verb ``send``: a line of ours in the chat of every platform that takes one.

    ``{"sent": {platform: "done" or why not}}``, with ``refused`` if one did not take it.
    RequestFailed if it went nowhere.
    """
    text = clean(str(args.get("text") or ""), _LONGEST).text
    if not text:
        raise RequestFailed("the line is empty", "type some text")
    able = [name for name, platform in platforms.items() if not isinstance(platform, ReadOnly)]
    reply_to = ""
    if wanted := str(args.get("platform") or "").strip().lower():
        if wanted not in able:
            raise RequestFailed(f"there is no platform {wanted[:40]!r} to write to", _there(able))
        able = [wanted]
    if show_id := str(args.get("reply") or "").strip():
        place = ledger.find(show_id)
        if place is None:
            raise RequestFailed(
                f"no chat line {show_id[:100]!r} is known", "it may have come too long ago"
            )
        if place.platform not in able:
            raise RequestFailed(f"that line came from {place.platform}", _there(able))
        able, reply_to = [place.platform], place.delete_id
    if not able:
        raise RequestFailed("there is no platform to write to", _there(able))
    answers = await asyncio.gather(
        *(deeds.do(name, name, within_s("send"), lambda p: p.send(text, reply_to)) for name in able)
    )
    if all(said != DONE for said, _ in answers):
        raise RequestFailed(
            "; ".join(f"{name}: {said}" for name, (said, _) in zip(able, answers, strict=True)),
            next((hint for _, hint in answers if hint), ""),
        )
    sent = {name: said for name, (said, _) in zip(able, answers, strict=True)}
    refused = any(said != DONE for said in sent.values())
    return {"sent": sent} | ({"refused": True} if refused else {})


def _there(able: list[str]) -> str:
    return f"there is {', '.join(able)}" if able else "chat.twitch or chat.youtube names one"
