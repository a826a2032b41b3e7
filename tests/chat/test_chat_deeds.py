"""chat: what is done on platforms, in order and in time; and writing to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from moderation_desk import Desk

from ipc.errors import RequestFailed
from workers.chat.deeds import Deeds, send
from workers.chat.sources import Console


async def test_a_platform_that_does_not_answer_holds_nobody_up(desk: Desk) -> None:
    desk.twitch.go.clear()
    said, _ = await desk.deeds.do("twitch", "twitch:11", 0.01, lambda p: p.unban("11"))
    assert said == "not there: twitch did not answer within 0.01 s"


async def test_deeds_about_one_viewer_keep_their_order(desk: Desk) -> None:
    desk.twitch.go.clear()
    first = asyncio.create_task(desk.do("ban", viewer="mira"))
    await asyncio.sleep(0)  # it begins
    second = asyncio.create_task(desk.do("undo"))
    other = asyncio.create_task(desk.do("ban", viewer="twitch:22"))
    await asyncio.sleep(0)
    assert len(desk.removed) == 2
    desk.twitch.go.set()
    await asyncio.gather(first, second, other)
    about_mira = [deed[0] for deed in desk.twitch.done if deed[1] == "11"]
    assert about_mira == ["ban", "unban"]


async def test_send_goes_everywhere_and_says_where(desk: Desk) -> None:
    desk.youtube.refuses = "the token is missing"
    result = await send({"text": " hi\x07 "}, desk.platforms, desk.deeds, desk.ledger)
    sent = {"twitch": "done", "youtube": "not there: the token is missing"}
    assert result == {"sent": sent, "refused": True}
    assert desk.twitch.done == [("send", "hi", "")]


async def test_send_to_one(desk: Desk) -> None:
    wanted = {"text": "hi", "platform": "YouTube"}
    result = await send(wanted, desk.platforms, desk.deeds, desk.ledger)
    assert result == {"sent": {"youtube": "done"}}
    assert desk.youtube.done == [("send", "hi", "")]
    assert desk.twitch.done == []


async def test_send_as_a_reply(desk: Desk) -> None:
    await send({"text": "hi", "reply": "twitch:m1"}, desk.platforms, desk.deeds, desk.ledger)
    assert desk.twitch.done == [("send", "hi", "m1-here")]
    assert desk.youtube.done == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"text": "\u200b "}, "the line is empty"),
        ({"text": "hi", "platform": "discord"}, "no platform 'discord'"),
        ({"text": "hi", "platform": "console"}, "no platform 'console'"),
        ({"text": "hi", "reply": "twitch:none"}, "no chat line"),
        ({"text": "hi", "platform": "youtube", "reply": "twitch:m1"}, "came from twitch"),
    ],
)
async def test_send_that_cannot_be(desk: Desk, args: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestFailed, match=says):
        await send(args, desk.platforms, desk.deeds, desk.ledger)
    assert desk.twitch.done == desk.youtube.done == []


async def test_send_that_went_nowhere_failed(desk: Desk) -> None:
    desk.twitch.refuses = desk.youtube.refuses = "no token"
    with pytest.raises(RequestFailed) as failed:
        await send({"text": "hi"}, desk.platforms, desk.deeds, desk.ledger)
    assert failed.value.message == "twitch: not there: no token; youtube: not there: no token"
    assert failed.value.hint == "mend it"
    alone = {"console": Console()}
    with pytest.raises(RequestFailed, match="no platform to write to"):
        await send({"text": "hi"}, alone, Deeds(alone), desk.ledger)
