"""Category tui: what waits for a person is approved, changed or denied, and nothing else is."""

from __future__ import annotations

import pytest
from fake_show import careful, waiting
from screens_port import NOW, FakePort, drawn, make, settle

from ipc.protocol import Approval, ApprovalsEvent
from tui.app import ShowApp
from tui.screens.over import Page

BIG, SMALL = (140, 45), (80, 24)
SIZES = pytest.mark.parametrize("size", [BIG, SMALL])


def shown(app: ShowApp) -> bool:
    return bool(app.main.pane("approve").display)


async def test_the_pane_comes_and_goes_with_what_waits() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        assert not shown(pilot.app)
        port.emit(ApprovalsEvent(items=waiting(NOW)))
        await settle(pilot)
        assert shown(pilot.app)
        assert "3 to approve" in drawn(pilot.app)
        assert pilot.app.view.focus == "chat"
        port.emit(ApprovalsEvent(items=[]))
        await settle(pilot)
        assert not shown(pilot.app)


async def test_the_small_screen_counts_them_on_the_tab() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "5 Approve 3" in drawn(pilot.app)
        await pilot.press("5")
        await settle(pilot)
        assert "▸ LINE   bakery_fan" in drawn(pilot.app)


@SIZES
@pytest.mark.parametrize(("key", "verb"), [("a", "approve"), ("N", "deny")])
async def test_the_first_press_only_goes_there(size: tuple[int, int], key: str, verb: str) -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert port.requests == []
        assert pilot.app.view.focus == "approve"
        await pilot.press(key, key)
        await settle(pilot)
        assert port.requests == [(verb, {"id": "a1"}), (verb, {"id": "a2"})]


async def test_what_is_gone_is_not_replaced_by_its_neighbour() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "down")
        port.emit(ApprovalsEvent(items=[item for item in waiting(NOW) if item.id != "a2"]))
        await pilot.press("a", "N", "e")
        await settle(pilot)
        assert port.requests == []
        assert "select with the arrows what you mean" in drawn(pilot.app)
        await pilot.press("down", "a")
        assert port.requests == [("approve", {"id": "a1"})]


async def test_newcomers_do_not_move_the_selection() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "down")
        early = Approval(id="a0", kind="line", text="first!", why="?", author="x")
        port.emit(ApprovalsEvent(items=[early, *waiting(NOW)]))
        await pilot.press("a")
        assert port.requests == [("approve", {"id": "a2"})]


async def test_words_are_changed_before_they_go_on_the_air() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "down", "down", "e")
        await settle(pilot)
        assert "edit › Your number is five" in drawn(pilot.app)
        port.emit(ApprovalsEvent(items=waiting(NOW)[::-1]))  # whatever happens meanwhile
        await pilot.press("home", *"No. ", "enter")
        await settle(pilot)
        text = "No. Your number is five five five, and then …"
        assert port.requests == [("approve", {"id": "a3", "text": text})]


async def test_words_left_as_they_are_go_unchanged() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "e", "escape", "e", "enter")
        await settle(pilot)
        assert port.requests == [("approve", {"id": "a1"})]


async def test_no_words_deny_nothing() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "e", "ctrl+u", "enter")
        await settle(pilot)
        assert port.requests == []
        assert "N denies" in drawn(pilot.app)


async def test_enter_shows_all_of_it() -> None:
    port = FakePort(careful(NOW))
    async with make(port).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "down", "enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, Page)
        assert waiting(NOW)[1].text in pilot.app.screen.text


async def test_readonly_only_looks() -> None:
    port = FakePort(careful(NOW))
    async with make(port, readonly=True).run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("5", "a", "N", "e")
        await settle(pilot)
        assert "read-only: edit is refused" in drawn(pilot.app)
        assert port.requests == []


async def test_nothing_waits() -> None:
    port = FakePort()
    async with make(port).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("a")
        await settle(pilot)
        assert "nothing waits for a person" in drawn(pilot.app)
        assert not shown(pilot.app)


async def test_hostile_items_are_harmless() -> None:
    bad = "[b]x[/b]\x1b[2J\u202eabc\x07\x9b" + "漢" * 3000
    items = [
        Approval(id=bad, kind=kind, text=bad, why=bad, author=bad, question=bad, persona=bad)
        for kind in ("line", "reply")
    ]
    port = FakePort()
    async with make(port).run_test(size=SMALL) as pilot:
        port.emit(ApprovalsEvent(items=items * 500))
        await settle(pilot)
        for keys in (("5",), ("enter",), ("escape", "e")):
            await pilot.press(*keys)
            await settle(pilot)
            assert not set("\x1b\x07\x9b\u202e") & set(drawn(pilot.app))
        await pilot.press("escape", "a")
        assert port.requests == [("approve", {"id": bad})]
