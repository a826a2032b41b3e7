"""The verb ``send``: a line of ours in the chat of every platform that takes one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ipc.errors import RequestFailed
from ipc.operator import VERBS
from workers.chat.clean import clean
from workers.chat.deeds import DONE, Deeds
from workers.chat.ledger import Ledger
from workers.chat.platform import Platform, ReadOnly

_LONGEST = 2_000  # characters; a platform with a smaller limit splits
_ANSWER_S = 1.0


async def send(
    args: Mapping[str, Any], platforms: Mapping[str, Platform], deeds: Deeds, ledger: Ledger
) -> dict[str, Any]:
    """``{"sent": {platform: "done" or why not}}``. RequestFailed if it went nowhere."""
    text = clean(str(args.get("text") or ""), _LONGEST).text
    if not text:
        raise RequestFailed("the line is empty", "type some text")
    able = [name for name, platform in platforms.items() if not isinstance(platform, ReadOnly)]
    reply_to = ""
    if wanted := str(args.get("platform") or "").strip().lower():
        if wanted not in able:
            raise RequestFailed(f"there is no platform {wanted[:40]!r} to write to", _there(able))
        able = [wanted]
    if number := str(args.get("reply") or "").strip():
        place = ledger.find(number)
        if place is None:
            raise RequestFailed(
                f"no chat line {number[:100]!r} is known", "it may have come too long ago"
            )
        if place.platform not in able:
            raise RequestFailed(f"that line came from {place.platform}", _there(able))
        able, reply_to = [place.platform], place.delete_id
    if not able:
        raise RequestFailed("there is no platform to write to", _there(able))
    within_s = VERBS["send"].timeout_s - _ANSWER_S
    answers = await asyncio.gather(
        *(deeds.do(name, name, within_s, lambda p: p.send(text, reply_to)) for name in able)
    )
    if all(said != DONE for said, _ in answers):
        raise RequestFailed(
            "; ".join(f"{name}: {said}" for name, (said, _) in zip(able, answers, strict=True)),
            next((hint for _, hint in answers if hint), ""),
        )
    return {"sent": {name: said for name, (said, _) in zip(able, answers, strict=True)}}


def _there(able: list[str]) -> str:
    return f"there is {', '.join(able)}" if able else "chat.twitch or chat.youtube names one"
