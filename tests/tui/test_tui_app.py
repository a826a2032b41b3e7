"""Category tui: keys, dialogs, sizes and hostile text on the real screen, without a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fake_show import careful, trouble
from screens_port import NOW, FakePort, drawn, make, saved, settle

from ipc.errors import ConfigError
from ipc.operator import VERBS
from ipc.protocol import ChatEvent, NoticeEvent, ShowEvent, TokenEvent
from tui.app import ShowApp
from tui.screens.over import Choice, Page, Palette

SNAPSHOTS = Path(__file__).parent / "snapshots"
BIG, SMALL = (140, 45), (80, 24)


def show_event(**changes: Any) -> ShowEvent:
    fields = {"held": False, "muted": False, "persona": "nova", "personas": ["nova", "umbra"]}
    return ShowEvent(**(fields | changes))


@pytest.mark.parametrize(
    ("key", "verb", "args"),
    [
        ("h", "hold", {}),
        ("m", "mute", {}),
        ("s", "skip", {}),
        ("D", "dump", {}),
        ("p", "persona", {"name": "umbra"}),
    ],
)
async def test_a_key_asks_for_its_verb(key: str, verb: str, args: dict[str, Any]) -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert port.requests == [(verb, args)]
        assert f"{verb}: done" in drawn(pilot.app)


async def test_lower_case_d_does_not_dump() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await pilot.press("d", "ctrl+d")
        await settle(pilot)
        assert port.requests == []


@pytest.mark.parametrize("keys", [("question_mark",), ("q",), ("up", "B"), ("up", "enter")])
async def test_panic_works_over_whatever_is_open(keys: tuple[str, ...]) -> None:
    port = FakePort()
    async with make(port, keys={"dump": "f9"}).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        assert pilot.app.screen is not pilot.app.main
        await pilot.press("f9")
        await settle(pilot)
        assert pilot.app.screen is pilot.app.main
        assert [verb for verb, _ in port.requests if verb != "viewer"] == ["dump"]


async def test_hold_and_mute_are_switches() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        port.emit(show_event(held=True, muted=True))
        await pilot.press("h", "m")
        await settle(pilot)
        assert port.requests == [("release", {}), ("unmute", {})]
        assert "HELD" in drawn(pilot.app)


@pytest.mark.parametrize(("key", "verb"), [("i", "chat"), ("y", "say")])
async def test_typed_lines_are_sent(key: str, verb: str) -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press(key, *"hi s", "enter")
        await settle(pilot)
        assert port.requests == [(verb, {"text": "hi s"})]
        await pilot.press(key, "enter")
        await settle(pilot)
        assert len(port.requests) == 1
        assert "nothing was typed" in drawn(pilot.app)


async def test_command_line_reaches_any_verb_and_explains_mistakes() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"persona umbra", "enter")
        await pilot.press("colon", *"hodl", "enter")
        await settle(pilot)
        assert port.requests == [("persona", {"name": "umbra"})]
        assert "there is no command 'hodl' — did you mean 'hold'?" in drawn(pilot.app)


async def test_an_error_of_the_show_is_shown_with_its_mend() -> None:
    port = FakePort()
    port.error = "the director is not ready"
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert "skip: the director is not ready — mend it" in drawn(pilot.app)


async def test_readonly_refuses_and_shows_it() -> None:
    port = FakePort()
    async with make(port, readonly=True).run_test(size=BIG) as pilot:
        await settle(pilot)
        assert "READ-ONLY" in drawn(pilot.app)
        for key in ("h", "m", "s", "D", "p", "y", "i", "r"):
            await pilot.press(key)
            await settle(pilot)
            assert "is refused" in drawn(pilot.app)
            assert pilot.app.screen is pilot.app.main
        await pilot.press("colon", *"hold", "enter")
        await pilot.press("q")
        await settle(pilot)
        assert "stop the show" not in drawn(pilot.app)
        assert port.requests == []


async def test_quit_detaches_unless_stop_is_chosen() -> None:
    port = FakePort()
    app = make(port)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("q")
        assert isinstance(app.screen, Choice)
        await pilot.press("escape")
        assert app.screen is app.main
        await pilot.press("q", "enter")
    assert (app.return_value, port.requests) == ("detached", [])


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_interrupt_only_asks(key: str) -> None:
    app = make(FakePort())
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert isinstance(app.screen, Choice)


async def test_quit_can_stop_the_show() -> None:
    port = FakePort()
    app = make(port)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("q", "S")
        await pilot.pause()
    assert (app.return_value, port.requests) == ("stopped", [("stop", {})])


async def test_a_refused_stop_keeps_the_screen() -> None:
    port = FakePort()
    port.error = "no"
    app = make(port)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("q", "S")
        await settle(pilot)
        assert "stop: no" in drawn(app)


async def test_restart_asks_first_and_names_the_worker() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("2", "down", "down", "r", "enter")
        await settle(pilot)
        assert port.requests == []
        await pilot.press("r")
        await settle(pilot)
        assert "Restart llm?" in drawn(pilot.app)
        await pilot.press("y")
        await settle(pilot)
        assert port.requests == [("restart", {"worker": "llm"})]


async def test_logs_of_the_selected_worker_open_as_a_page() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("2", "down", "l")
        await settle(pilot)
        assert port.requests == [("logs", {"worker": "tts"})]
        assert isinstance(pilot.app.screen, Page)
        assert pilot.app.screen.text == "one\ntwo"


async def test_logs_are_followed_while_their_end_is_in_sight() -> None:
    port = FakePort()
    lines = [f"line {number}" for number in range(60)]
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("2", "l")
        await settle(pilot)
        page = pilot.app.screen
        assert isinstance(page, Page)
        for known in (30, 60):
            port.results["logs"] = {"lines": lines[:known]}
            page.follow()
            await settle(pilot)
            assert f"line {known - 1}\n" in drawn(pilot.app)
            assert "live" in drawn(pilot.app)
        await pilot.press("up")
        asked = len(port.requests)
        page.follow()
        await settle(pilot)
        assert len(port.requests) == asked
        assert "End: live" in drawn(pilot.app)
        await pilot.press("end")
        page.follow()
        await settle(pilot)
        assert len(port.requests) == asked + 1
        port.error = "gone"
        page.follow()
        await pilot.press("escape")
        await settle(pilot)
        assert "logs: gone" in drawn(pilot.app)


async def test_palette_has_every_verb_and_searches() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Palette)
        assert {entry.verb for entry in screen.entries} >= set(VERBS)
        await pilot.press(*"unmute", "enter")
        await settle(pilot)
        assert port.requests == [("unmute", {})]


async def test_palette_lets_arguments_be_typed() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"forget", "enter")
        await pilot.press(*"m1", "enter")
        await settle(pilot)
        assert port.requests == [("forget", {"id": "m1"})]


async def test_help_lists_all_keys() -> None:
    async with make(FakePort(), keys={"skip": "x"}).run_test(size=(80, 60)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        assert "x          Cut the reply" in drawn(pilot.app)
        await pilot.press("escape")
        assert pilot.app.screen is pilot.app.main


async def test_keys_can_be_given_to_other_actions() -> None:
    port = FakePort()
    async with make(port, keys={"skip": "x"}).run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "x skip" in drawn(pilot.app)
        await pilot.press("s", "x")
        await settle(pilot)
        assert port.requests == [("skip", {})]


def test_impossible_keys_are_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="'skpi' that does not exist"):
        make(FakePort(), keys={"skpi": "x"})
    with pytest.raises(ConfigError, match="'h' to both hold and skip"):
        make(FakePort(), keys={"skip": "h"})


HOSTILE = (
    "[bold]markup[/bold] [link=http://x]y[/link]",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 bell\x07 \x9b2J",
    "right\u202eleft zero\u200bwidth \x00 end",
    "x" * 100_000,
    "🏳️‍🌈👨‍👩‍👧‍👦 ｗｉｄｅ 漢字 e\u0301" + "\u0301" * 500,
    "[/] [@click=app.quit]press[/]",
    "{} %s \\[x]",
)


async def test_hostile_chat_is_shown_literally() -> None:
    port = FakePort(events=[])
    async with make(port).run_test(size=BIG) as pilot:
        for number, text in enumerate(HOSTILE):
            port.emit(ChatEvent(id=str(number), platform="p", author=text[:60], text=text, at=NOW))
            port.emit(NoticeEvent(level="error", source=text, text=text, hint=text, at=NOW))
            port.emit(TokenEvent(turn=1, text=text))
        await settle(pilot)
        await pilot.press("z")
        await settle(pilot)
        screen = drawn(pilot.app)
        assert "[bold]markup[/bold] [link=http://x]y[/link]" in screen
        assert "[/] [@click=app.quit]press[/]" in screen
        assert not set("\x1b\x07\x9b\u202e\u200b\x00") & set(screen)
        for _ in HOSTILE:
            await pilot.press("up", "enter", "escape")
        await settle(pilot)
        assert pilot.app.screen is pilot.app.main


async def test_cursor_moves_inspects_and_follows_again() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", "up")
        assert pilot.app.view.cursor == "m22"
        await pilot.press("enter")
        await settle(pilot)
        assert "waiting" in drawn(pilot.app)
        await pilot.press("escape", "down", "down")
        assert pilot.app.view.cursor == ""


async def test_filter_narrows_the_chat_while_typing() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"bakery")
        await settle(pilot)
        assert "long_john" not in drawn(pilot.app).split("Transcript")[0]
        await pilot.press("escape")
        await settle(pilot)
        assert "mod_ruth" in drawn(pilot.app)


async def test_save_writes_the_whole_pane(tmp_path: Path) -> None:
    async with make(FakePort(), save_dir=tmp_path).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
    assert saved(tmp_path).count("grumblecat") == 3


async def test_save_that_fails_says_so(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    async with make(FakePort(), save_dir=missing).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        assert "cannot write" in drawn(pilot.app)


async def test_copy_goes_to_the_terminals_clipboard() -> None:
    async with make(FakePort()).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("up", "c")
        assert (
            pilot.app.clipboard == "mod_ruth: [bold]no markup please[/bold], be nice to each other"
        )


async def test_resize_changes_the_layout_and_back() -> None:
    async with make(FakePort()).run_test(size=BIG) as pilot:
        await settle(pilot)
        before = drawn(pilot.app)
        assert all(f" {name} " in before for name in ("Chat", "Transcript", "Workers", "Log"))
        await pilot.resize_terminal(*SMALL)
        await settle(pilot)
        small = drawn(pilot.app)
        assert "1 Show" in small
        assert "── Workers" not in small
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        assert max(len(line) for line in drawn(pilot.app).splitlines()) <= 60
        await pilot.resize_terminal(*BIG)
        await settle(pilot)
        assert drawn(pilot.app) == before


async def test_a_lost_show_is_said_and_a_new_one_taken_up() -> None:
    port = FakePort()
    app = make(port)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        port.lose()
        await settle(pilot)
        assert isinstance(app.screen, Choice)
        assert "SHOW ENDED" in drawn(app)
        port.snapshot("two")
        await settle(pilot)
        assert app.screen is app.main
        assert "the show was started again" in drawn(app)
        assert "ON AIR" in drawn(app)


async def test_only_changed_lines_are_drawn_again() -> None:
    port = FakePort()
    app = make(port)
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        panes = {name: app.main.pane(name).redrawn for name in ("chat", "tokens", "workers", "log")}
        for _ in range(50):
            port.emit(TokenEvent(turn=7, text="a "))
        app.flush()
        await pilot.pause()
        assert 1 <= app.main.pane("tokens").redrawn - panes["tokens"] <= 4
        for name in ("chat", "workers", "log"):
            assert app.main.pane(name).redrawn == panes[name]


async def test_chat_is_drawn_at_a_readers_pace_and_keys_at_once() -> None:
    app = make(FakePort())
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        app._rate_hz = 4.0
        chat = app.main.pane("chat")

        def drawn_after(lines: int) -> list[bool]:
            """Whether each of the next ticks draws chat, with ``lines`` more before each."""
            result = []
            for _ in range(6):
                for number in range(lines):
                    line = ChatEvent(id=f"{app.show.chat_count}", platform="p", author="a",
                                     text=f"{number}", at=NOW)  # fmt: skip
                    app._on_event(line)
                before = chat.redrawn
                app.tick()
                result.append(chat.redrawn > before)
            return result

        assert drawn_after(1) == [True, False] * 3
        assert drawn_after(100) == [True, False, False, False, True, False]
        app._on_event(ChatEvent(id="last", platform="p", author="a", text="x", at=NOW))
        before = chat.redrawn
        await pilot.press("up")
        assert chat.redrawn > before


def check_snapshot(app: ShowApp, name: str) -> None:
    """Equal to the stored text; ``UPDATE_SNAPSHOTS=1`` stores it anew."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn(app), encoding="utf-8")
    assert drawn(app) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("all-140x45", BIG, ()),
        ("all-200x60", (200, 60), ()),
        ("show-80x24", SMALL, ()),
        ("show-60x20", (60, 20), ()),
        ("workers-80x24", SMALL, ("2",)),
        ("memory-80x24", SMALL, ("3",)),
        ("log-80x24", SMALL, ("4",)),
        ("help-80x24", SMALL, ("question_mark",)),
        ("palette-80x24", SMALL, ("ctrl+p",)),
        ("quit-80x24", SMALL, ("q",)),
        ("message-80x24", SMALL, ("up", "enter")),
        ("paused-80x24", SMALL, ("up", "up", "up")),
        ("ban-80x24", SMALL, ("up", "B")),
        ("timeout-80x24", SMALL, ("up", "T")),
        ("backlog-80x24", SMALL, ("b",)),
    ],
)
async def test_screens_look_as_stored(name: str, size: tuple[int, int], keys: tuple[str]) -> None:
    async with make(FakePort()).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        check_snapshot(pilot.app, name)


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("trouble-140x45", BIG, ("tab",)),
        ("trouble-110x32", (110, 32), ()),
        ("trouble-80x24", SMALL, ("2",)),
        ("trouble-60x20", (60, 20), ("2",)),
    ],
)
async def test_trouble_looks_as_stored(name: str, size: tuple[int, int], keys: tuple[str]) -> None:
    async with make(FakePort(trouble(NOW))).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        pilot.app.view.hint = ""
        await settle(pilot)
        check_snapshot(pilot.app, name)


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("careful-140x45", BIG, ("a", "down")),
        ("careful-110x32", (110, 32), ("a",)),
        ("careful-80x24", SMALL, ()),
        ("approve-80x24", SMALL, ("5", "down")),
        ("approval-80x24", SMALL, ("5", "down", "enter")),
        ("edit-80x24", SMALL, ("5", "e")),
        ("mode-80x24", SMALL, ("M",)),
        ("backlog-busy-80x24", SMALL, ("b",)),
    ],
)
async def test_a_careful_show_looks_as_stored(
    name: str, size: tuple[int, int], keys: tuple[str]
) -> None:
    async with make(FakePort(careful(NOW))).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        check_snapshot(pilot.app, name)


async def test_a_fresh_warning_is_pointed_out_where_no_log_is_in_sight() -> None:
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        port.emit(NoticeEvent(level="warning", source="stage", text="old", at=NOW - 60))
        port.emit(NoticeEvent(level="warning", source="stage", text="no sound device", at=NOW))
        await settle(pilot)
        assert "▲ stage: no sound device" in drawn(pilot.app)
