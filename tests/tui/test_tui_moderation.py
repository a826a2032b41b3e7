"""Category tui: what is done with a line of chat and its viewer, on the real screen."""

from __future__ import annotations

from typing import Any

import pytest
from fake_show import chat_line
from screens_port import NOW, FakePort, drawn, make, settle

from ipc.protocol import (
    ChatRemovedEvent,
    IntakeEvent,
    ShowEvent,
)
from ipc.states import ChatKind, ShowMode
from tui.screens.answers import done_sentence
from tui.screens.over import Choice, Page

BIG, SMALL = (140, 45), (80, 24)


@pytest.mark.parametrize(
    ("key", "verb", "args"),
    [
        ("n", "next", {"message_id": "m22"}),
        ("d", "drop", {"message_id": "m22"}),
        ("X", "delete", {"message_id": "m22"}),
        ("plus", "trust", {"viewer": "youtube:かなえ"}),
        ("U", "undo", {}),
    ],
)
async def test_a_key_acts_on_the_selected_line(key: str, verb: str, args: dict[str, Any]) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", "up", key)
        await settle(pilot)
        assert port.requests == [(verb, args)]


@pytest.mark.parametrize("key", ["n", "d", "X", "T", "B", "plus"])
async def test_nothing_is_done_to_the_newest_line_unasked(key: str) -> None:
    """It moves: by the time the key is down another one stands there."""
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert "select a line with the arrows first" in drawn(pilot.app)
        await pilot.press("up", "tab", key)
        await settle(pilot)
        assert "go to the chat with Tab" in drawn(pilot.app)
        assert pilot.app.screen is pilot.app.main
        assert port.requests == []


@pytest.mark.parametrize(
    ("keys", "verb", "args"),
    [
        (("T", "1"), "timeout", {"viewer": "youtube:かなえ", "seconds": 60}),
        (("T", "2"), "timeout", {"viewer": "youtube:かなえ", "seconds": 600}),
        (("T", "3"), "timeout", {"viewer": "youtube:かなえ", "seconds": 3600}),
        (("T", "4"), "timeout", {"viewer": "youtube:かなえ", "seconds": 86400}),
        (("B", "y"), "ban", {"viewer": "youtube:かなえ"}),
    ],
)
async def test_timeout_and_ban_ask_and_keep_their_target(
    keys: tuple[str, str], verb: str, args: dict[str, Any]
) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", "up", keys[0])
        await settle(pilot)
        assert isinstance(pilot.app.screen, Choice)
        assert "かなえ" in drawn(pilot.app)
        for number in range(1000):  # the line itself is forgotten meanwhile
            port.emit(chat_line(number, f"n{number}", NOW))
        await pilot.press(keys[1])
        await settle(pilot)
        assert port.requests == [(verb, args)]


@pytest.mark.parametrize("key", ["T", "B"])
async def test_enter_and_escape_answer_no(key: str) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", key, "enter", key, "escape", key, "n")
        await settle(pilot)
        assert pilot.app.screen is pilot.app.main
        assert port.requests == []


async def test_chat_stands_still_while_a_line_is_selected() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", "up", "up")
        await settle(pilot)
        before = pilot.app.main.pane("chat").text.splitlines()[1:]
        for number in range(1000):
            port.emit(chat_line(number, f"n{number}", NOW))
        await settle(pilot)
        assert pilot.app.main.pane("chat").text.splitlines()[1:] == before
        assert "paused · 1,000 newer · End" in drawn(pilot.app)
        port.snapshot()  # a gap in the stream was mended
        await settle(pilot)
        assert pilot.app.main.pane("chat").text.splitlines()[1:] == before
        await pilot.press("X")
        assert port.requests == [("delete", {"message_id": "m21"})]
        await pilot.press("end")
        await settle(pilot)
        assert "paused" not in drawn(pilot.app)


async def test_what_is_removed_is_struck_out_also_while_chat_is_paused() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("up")
        for number in range(1000):
            port.emit(chat_line(number, f"n{number}", NOW))
        gone = ChatRemovedEvent(
            platform="youtube", author_id="youtube:かなえ", reason="banned by ruth"
        )
        port.emit(gone)
        await settle(pilot)
        assert "× removed: banned by ruth" in drawn(pilot.app)
        lines = pilot.app.show.by("youtube:かなえ")
        assert lines
        assert all(line.removed for line in lines)
        assert not any(line.removed for line in pilot.app.show.by("twitch:grumblecat"))


async def test_a_refusal_of_the_platform_is_a_warning() -> None:
    port = FakePort()
    port.results["ban"] = {
        "viewer": "twitch:long_john", "here": "banned", "platform": "not there: no scope",
        "refused": True,
    }  # fmt: skip
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("up", "B", "y")
        await settle(pilot)
        hint = "▲ ban: viewer twitch:long_john · here banned · platform not there: no scope"
        assert hint in drawn(pilot.app)


@pytest.mark.parametrize(
    ("result", "level"),
    [
        ({"here": "banned", "platform": "done"}, "info"),
        ({"here": "banned", "platform": "not there: replay has no moderation"}, "info"),
        ({"here": "banned", "platform": "done", "problem": "bans are not kept"}, "warning"),
        ({"sent": {"twitch": "done", "youtube": "no"}, "refused": True}, "warning"),
        (None, "info"),
    ],
)
def test_only_what_went_wrong_is_a_warning(result: Any, level: str) -> None:
    sentence, matters = done_sentence("ban", result)
    assert matters == level
    wrong = "bans are not kept" in sentence or "youtube no" in sentence
    assert wrong == (level == "warning")


async def test_inspecting_shows_the_message_and_the_viewer() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert port.requests == [("viewer", {"viewer": "twitch:mod_ruth"})]
        page = pilot.app.screen
        assert isinstance(page, Page)
        for words in ("subscriber, moderator", "grumble_kitten", "trusted", "an address of a web"):
            assert words in page.text


async def test_inspecting_says_what_is_not_known() -> None:
    port = FakePort()
    port.error = "chat is not ready"
    async with make(port, readonly=True).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert "chat is not ready — mend it" in drawn(pilot.app)


async def test_the_backlog_shows_what_waits_and_what_was_passed_over() -> None:
    port = FakePort()
    intake = IntakeEvent(
        per_minute=1020, waiting=12, crowd=True, merged=7, at=NOW,
        passed_over={"the queue is full": 880, "a command": 31},
    )  # fmt: skip
    async with make(port).run_test(size=SMALL) as pilot:
        port.emit(intake)
        await settle(pilot)
        assert "1,020/min · crowd · 12 waiting" in drawn(pilot.app)
        await pilot.press("b")
        await settle(pilot)
        screen = drawn(pilot.app)
        for words in ("880", "the queue is full", "3 viewers:", "sing something"):
            assert words in screen


async def test_readonly_moderates_nothing() -> None:
    port = FakePort()
    async with make(port, readonly=True).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("up")
        for key in ("n", "d", "X", "T", "B", "plus", "U", "W", "t", "M", "a", "e", "N"):
            await pilot.press(key)
            await settle(pilot)
            assert "is refused" in drawn(pilot.app)
            assert pilot.app.screen is pilot.app.main
        assert port.requests == []


@pytest.mark.parametrize(
    ("keys", "verb", "args"),
    [
        (("W", *"be kind", "enter"), "whisper", {"text": "be kind"}),
        (("t", *"cats", "enter"), "topic", {"text": "cats"}),
        (("t", "enter"), "topic", {}),
        (("M", "a"), "mode", {"name": "approval"}),
        (("M", "s"), "mode", {"name": "safe"}),
        (("colon", *"slow 20", "enter"), "slow", {"seconds": 20.0}),
        (("colon", *"delay 2.5", "enter"), "delay", {"seconds": 2.5}),
    ],
)
async def test_steering(keys: tuple[str, ...], verb: str, args: dict[str, Any]) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        assert port.requests == [(verb, args)]


@pytest.mark.parametrize("mode", [ShowMode.APPROVAL, ShowMode.SAFE])
async def test_a_careful_mode_and_its_reason_are_in_sight(mode: ShowMode) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        port.emit(
            ShowEvent(
                held=False, muted=False, persona="nova", personas=["nova"], mode=mode,
                mode_reason="9 hits in 60 s", slow_s=20, delay_s=2.5,
            )
        )  # fmt: skip
        await settle(pilot)
        assert f"{mode.name} 9 hits in 60 s" in drawn(pilot.app)
        await pilot.resize_terminal(140, 45)
        await settle(pilot)
        assert "slow 20 s │ delay 2.5 s" in drawn(pilot.app)
        await pilot.press("M", "o")
        await settle(pilot)
        assert port.requests == [("mode", {"name": "open"})]


async def test_platforms_are_told_apart_once_there_are_several() -> None:
    port = FakePort(events=[])
    async with make(port).run_test(size=SMALL) as pilot:
        port.emit(chat_line(0, "a", NOW))
        await settle(pilot)
        assert "· 1 pixel_otter" in drawn(pilot.app)
        port.emit(chat_line(5, "b", NOW))
        await settle(pilot)
        assert "· t1 pixel_otter" in drawn(pilot.app)
        assert "· y  Zoë" in drawn(pilot.app)


HOSTILE = "[b]x[/b]\x1b[2J\u202eabc\u0301\u0301\u0301\u0301\u0301\u0301漢字\x07"


async def test_hostile_fields_are_harmless_everywhere() -> None:
    port = FakePort(events=[])
    async with make(port).run_test(size=SMALL) as pilot:
        for number, kind in enumerate(ChatKind):
            port.emit(
                chat_line(
                    0, f"h{number}\x1b[0m", NOW, text=HOSTILE, notice=HOSTILE, paid_text=HOSTILE,
                    reply_to=HOSTILE, held_why=HOSTILE, roles=[HOSTILE], platform=HOSTILE,
                    kind=kind,
                )
            )  # fmt: skip
        port.emit(ChatRemovedEvent(platform=HOSTILE, everything=True, reason=HOSTILE))
        port.emit(
            IntakeEvent(per_minute=1, waiting=1, crowd=True, passed_over={HOSTILE: 1}, merged=0)
        )
        port.emit(
            ShowEvent(
                held=False, muted=False, persona=HOSTILE, personas=[HOSTILE], mode=ShowMode.SAFE,
                mode_reason=HOSTILE, topic=HOSTILE, whisper=HOSTILE,
            )
        )  # fmt: skip
        port.results["viewer"] = {"names": [HOSTILE], "said": [{"text": HOSTILE, "at": "never"}]}
        port.results["queue"] = [
            {"author": HOSTILE, "text": HOSTILE, "factors": {HOSTILE: HOSTILE}}
        ]
        for keys in ((), ("up",), ("enter",), ("escape", "B"), ("escape", "b"), ("escape", "M")):
            await pilot.press(*keys)
            await settle(pilot)
            screen = drawn(pilot.app)
            assert not set("\x1b\x07\u202e") & set(screen), keys
            assert "[b]x[/b]" in screen
