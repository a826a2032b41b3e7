"""chat: what operators and moderators do: here first, then on the platform, and undone."""

from __future__ import annotations

import asyncio

import pytest
from moderation_desk import Desk

from ipc.errors import RequestFailed
from ipc.protocol import Removed
from workers.chat.moderation import KEPT
from workers.chat.platform import Removal
from workers.chat.standing import (
    LONGEST_S,
    MOST,
    OPERATOR,
    Mark,
    read,
)


async def test_ban(desk: Desk) -> None:
    desk.expected_there = 1
    result = await desk.do("ban", viewer="@mira", reason="spam\x07")
    assert result == {"viewer": "twitch:11", "name": "Mira", "here": "banned", "platform": "done"}
    assert desk.removed == [
        Removed(
            platform="twitch", author_id="twitch:11", forget=True, reason="spam by the operator"
        )
    ]
    assert desk.twitch.done == [("ban", "11", "spam")]
    assert desk.standing.why_silent("twitch:11") == "the viewer is banned"
    (mark,) = read(desk.path)[0]
    assert (mark.id, mark.name, mark.login, mark.banned) == ("twitch:11", "Mira", "mira", True)
    assert desk.notices == []


async def test_it_is_in_force_before_anything_is_waited_for(desk: Desk) -> None:
    desk.twitch.go.clear()
    banning = asyncio.create_task(desk.do("ban", viewer="mira"))
    await asyncio.sleep(0)
    assert len(desk.removed) == 1
    assert desk.standing.why_silent("twitch:11")
    desk.twitch.go.set()
    assert (await banning)["platform"] == "done"


async def test_what_the_platform_refuses_holds_here(desk: Desk) -> None:
    desk.twitch.refuses = "missing scope moderator:manage:banned_users"
    result = await desk.do("ban", viewer="mira")
    assert result["here"] == "banned"
    assert result["platform"] == "not there: missing scope moderator:manage:banned_users"
    assert result["refused"]
    assert desk.standing.why_silent("twitch:11")
    ((level, text, hint),) = desk.notices
    assert (level, hint) == ("warning", "mend it")
    assert "Mira: banned here; on twitch not there: missing scope" in text


async def test_a_console_viewer_is_banned_here_only_and_nobody_complains(desk: Desk) -> None:
    result = await desk.do("ban", viewer="tom")
    assert result["here"] == "banned"
    assert result["platform"] == "not there: console has no moderation"
    assert "refused" not in result
    assert desk.notices == []


async def test_timeout(desk: Desk) -> None:
    result = await desk.do("timeout", viewer="mira", seconds=90, reason="calm")
    assert result["here"] == "silenced for 90 s"
    assert desk.removed[0].forget is False
    assert desk.twitch.done == [("timeout", "11", 90, "calm")]
    assert (await desk.do("timeout", viewer="tom"))["here"] == "silenced for 600 s"
    desk.pass_(91)
    assert not desk.standing.why_silent("twitch:11")
    assert desk.standing.why_silent("console:tom")


async def test_a_timeout_as_moderators_type_it(desk: Desk) -> None:
    await desk.do("timeout", viewer="mira", reason="60 calm down")
    assert desk.twitch.done == [("timeout", "11", 60, "calm down")]
    await desk.do("timeout", viewer="mira", seconds=5, reason="60 times the same")
    assert desk.twitch.done[-1] == ("timeout", "11", 5, "60 times the same")
    for typed, seconds in (("10m", 600), ("1H spam", 3600), ("2d", 172_800), ("1w", 604_800)):
        await desk.do("timeout", viewer="mira", reason=typed)
        assert desk.twitch.done[-1][2] == seconds, typed
    for typed in ("9" * 5000, "3w", "0m"):
        with pytest.raises(RequestFailed, match="cannot be"):
            await desk.do("timeout", viewer="mira", reason=typed)


@pytest.mark.parametrize("seconds", [0, -5, LONGEST_S + 1, 10**30])
async def test_a_timeout_that_cannot_be(desk: Desk, seconds: int) -> None:
    with pytest.raises(RequestFailed, match="cannot be"):
        await desk.do("timeout", viewer="mira", seconds=seconds)
    assert desk.removed == []


async def test_unban(desk: Desk) -> None:
    await desk.do("ban", viewer="mira")
    assert (await desk.do("unban", viewer="mira"))["here"] == "may speak"
    assert not desk.standing.why_silent("twitch:11")
    assert desk.twitch.done[-1] == ("unban", "11")
    again = await desk.do("unban", viewer="mira")
    assert (again["here"], again["platform"]) == ("was not banned", "done")
    assert len(desk.removed) == 1
    assert read(desk.path) == ([], "")


async def test_a_viewer_never_seen_is_banned_by_id(desk: Desk) -> None:
    result = await desk.do("ban", viewer="youtube:UC123")
    assert (result["viewer"], result["name"]) == ("youtube:UC123", "")
    assert desk.youtube.done == [("ban", "UC123", "")]
    with pytest.raises(RequestFailed, match="no viewer called"):
        await desk.do("ban", viewer="nobody")


async def test_a_name_is_no_id_where_ids_are_numbers(desk: Desk) -> None:
    """Else the answer were "banned", and whoever has that name could go on writing."""
    desk.twitch.numbered_viewers = True
    with pytest.raises(RequestFailed, match="'ghost' has not written on twitch") as failed:
        await desk.do("ban", viewer="twitch:ghost")
    assert "twitch:NUMBER" in failed.value.hint
    assert desk.removed == []
    assert desk.twitch.done == []
    assert (await desk.do("ban", viewer="twitch:77"))["here"] == "banned"
    assert (await desk.do("ban", viewer="twitch:Mira"))["viewer"] == "twitch:11"
    desk.standing.put(Mark(id="twitch:nameless", banned=True))
    assert (await desk.do("unban", viewer="twitch:nameless"))["here"] == "may speak"


async def test_trust(desk: Desk) -> None:
    assert (await desk.do("trust", viewer="mira"))["here"] == "trusted"
    assert desk.standing.get("twitch:11").trusted
    assert desk.twitch.done == []
    await desk.do("ban", viewer="mira")
    await desk.do("unban", viewer="mira")
    assert desk.standing.get("twitch:11").trusted
    assert (await desk.do("untrust", viewer="mira"))["here"] == "not trusted"
    assert not desk.standing.knows("twitch:11")


async def test_delete(desk: Desk) -> None:
    desk.expected_there = 1
    result = await desk.do("delete", message_id="twitch:m1")
    assert result == {
        "viewer": "twitch:11",
        "message_id": "twitch:m1",
        "here": "deleted",
        "platform": "done",
    }
    assert desk.removed[0].message_ids == ["twitch:m1"]
    assert desk.twitch.done == [("delete", "m1-here")]
    assert desk.ledger.is_removed("twitch", "twitch:m1")


async def test_a_line_of_before_a_restart_is_deleted_by_its_id(desk: Desk) -> None:
    assert (await desk.do("delete", message_id="twitch:older"))["platform"] == "done"
    assert desk.twitch.done == [("delete", "older")]
    for unknown in ("older", "nowhere:1", "", "twitch:", "twitch:a b", "twitch:" + "x" * 999):
        with pytest.raises(RequestFailed, match="no chat line"):
            await desk.do("delete", message_id=unknown)


async def test_undo_goes_back_step_by_step(desk: Desk) -> None:
    await desk.do("trust", viewer="mira")
    await desk.do("timeout", viewer="mira", seconds=100)
    await desk.do("ban", viewer="mira")
    desk.pass_(40)
    undone = await desk.do("undo")
    assert (undone["undone"], undone["here"]) == ("ban", "silenced for 60 s")
    assert desk.twitch.done[-1] == ("timeout", "11", 60, "")
    undone = await desk.do("undo")
    assert (undone["undone"], undone["here"]) == ("timeout", "may speak")
    assert desk.twitch.done[-1] == ("unban", "11")
    assert desk.standing.get("twitch:11").trusted
    assert (await desk.do("undo"))["here"] == "not trusted"
    with pytest.raises(RequestFailed, match="nothing to undo"):
        await desk.do("undo")


async def test_an_unban_is_undone_by_the_ban(desk: Desk) -> None:
    await desk.do("ban", viewer="mira", reason="spam")
    await desk.do("unban", viewer="mira")
    undone = await desk.do("undo")
    assert (undone["undone"], undone["here"]) == ("unban", "banned")
    assert desk.twitch.done[-1] == ("ban", "11", "spam")
    assert desk.removed[-1].forget


async def test_an_untrust_is_undone(desk: Desk) -> None:
    await desk.do("trust", viewer="mira")
    await desk.do("untrust", viewer="mira")
    assert (await desk.do("undo"))["here"] == "trusted"


async def test_what_changed_nothing_is_not_undone(desk: Desk) -> None:
    await desk.do("ban", viewer="mira")
    await desk.do("ban", viewer="mira")
    await desk.do("unban", viewer="tom")
    assert (await desk.do("undo"))["here"] == "may speak"
    assert not desk.standing.why_silent("twitch:11")


async def test_a_deletion_cannot_be_undone_and_says_so(desk: Desk) -> None:
    await desk.do("ban", viewer="tom")
    await desk.do("delete", message_id="twitch:m1")
    with pytest.raises(RequestFailed) as failed:
        await desk.do("undo")
    assert "cannot be undone" in failed.value.message
    assert "ban of tom (console:tom)" in failed.value.hint
    assert desk.standing.why_silent("console:tom")
    assert (await desk.do("undo"))["undone"] == "ban"


async def test_only_the_last_are_kept(desk: Desk) -> None:
    for number in range(KEPT + 5):
        await desk.do("trust", viewer=f"twitch:{number}")
    for _ in range(KEPT):
        await desk.do("undo")
    with pytest.raises(RequestFailed, match="nothing to undo"):
        await desk.do("undo")
    assert desk.standing.get("twitch:4").trusted


async def test_what_is_known_of_a_viewer(desk: Desk) -> None:
    viewer = desk.viewers.meet("twitch:11", "Mira2", "mira", 9.0)
    viewer.hit("a word", 9.0)
    await desk.do("timeout", viewer="mira", seconds=30, reason="calm")
    shown = await desk.do("viewer", viewer="mira")
    assert shown == {
        "viewer": "twitch:11",
        "platform": "twitch",
        "name": "Mira2",
        "login": "mira",
        "names": ["Mira2", "Mira"],
        "first_seen": 1.0,
        "last_seen": 9.0,
        "lines": 1,
        "hits": 1,
        "found": [{"why": "a word", "at": 9.0}],
        "said": [{"message_id": "twitch:m1", "text": "hello", "at": 1.0}],
        "banned": False,
        "silenced_s": 30,
        "trusted": False,
        "by": OPERATOR,
        "reason": "calm",
        "since": 1_700_000_000.0,
    }
    assert (await desk.do("viewer", viewer="twitch:never"))["lines"] == 0


async def test_bans(desk: Desk) -> None:
    await desk.do("ban", viewer="mira", reason="spam")
    await desk.do("timeout", viewer="tom", seconds=60)
    await desk.do("trust", viewer="youtube:UC1")
    shown = await desk.do("bans")
    assert [entry["viewer"] for entry in shown["banned"]] == ["twitch:11"]
    assert shown["banned"][0]["reason"] == "spam"
    assert [(e["viewer"], e["silenced_s"]) for e in shown["silenced"]] == [("console:tom", 60)]
    assert [entry["viewer"] for entry in shown["trusted"]] == ["youtube:UC1"]


async def test_a_disk_that_is_full_is_said_with_the_answer(desk: Desk) -> None:
    desk.path.mkdir()  # a directory cannot be replaced by a file
    result = await desk.do("ban", viewer="mira")
    assert result["here"] == "banned"
    assert "bans are not kept" in result["problem"]


async def test_too_many_standings_are_told(desk: Desk) -> None:
    for number in range(MOST):
        desk.standing.put(Mark(id=f"twitch:{number}", banned=True, by="twitch"))
    await desk.do("trust", viewer="youtube:UC1")
    ((level, text, _),) = desk.notices
    assert level == "warning"
    assert "twitch:0" in text


# --- what moderators do on the platform ---


def test_a_platforms_ban_counts_here(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(author_id="11", banned=True))
    assert desk.removed == [
        Removed(platform="twitch", author_id="twitch:11", forget=True, reason="removed on twitch")
    ]
    assert desk.standing.why_silent("twitch:11") == "the viewer is banned on twitch"


def test_a_platforms_timeout_counts_for_as_long(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(author_id="11", seconds=30))
    assert desk.standing.why_silent("twitch:11") == "the viewer is silenced on twitch for 30 s"
    desk.pass_(31)
    assert not desk.standing.why_silent("twitch:11")
    desk.moderation.platform_removed("twitch", Removal(author_id="11"))
    assert desk.standing.why_silent("twitch:11")  # what was on its way must not pass
    desk.pass_(11)
    assert not desk.standing.why_silent("twitch:11")


async def test_an_absurd_timeout_of_a_platform_leaves_a_file_that_can_be_read(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(author_id="11", seconds=10**15))
    desk.moderation.platform_removed("twitch", Removal(author_id="12", seconds=-4))
    await desk.do("trust", viewer="tom")
    marks, said = read(desk.path)
    assert said == ""
    assert [mark.seconds for mark in marks] == [LONGEST_S, 10, 0]


def test_a_platforms_newer_decision_replaces_its_older_one(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(author_id="11", banned=True))
    desk.moderation.platform_removed("twitch", Removal(author_id="11", seconds=5))
    desk.pass_(6)
    assert not desk.standing.why_silent("twitch:11")


async def test_the_echo_of_an_operators_deed_changes_nothing(desk: Desk) -> None:
    await desk.do("ban", viewer="mira", reason="spam")
    desk.moderation.platform_removed("twitch", Removal(author_id="11", banned=True))
    desk.moderation.platform_removed("twitch", Removal(author_id="11", seconds=1))
    assert desk.standing.get("twitch:11").by == OPERATOR
    await desk.do("timeout", viewer="tom", seconds=60)
    desk.moderation.platform_removed("console", Removal(author_id="tom", seconds=1))
    desk.pass_(30)
    assert desk.standing.why_silent("console:tom")
    desk.moderation.platform_removed("console", Removal(author_id="tom", banned=True))
    desk.pass_(100)
    assert desk.standing.why_silent("console:tom")


async def test_an_operator_lifts_what_a_platform_decided(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(author_id="11", banned=True))
    await desk.do("unban", viewer="mira")
    assert not desk.standing.why_silent("twitch:11")


def test_a_platforms_deletions(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(ids=("m1-here", "unseen")))
    assert desk.removed[0].message_ids == ["twitch:m1-here", "twitch:m1", "twitch:unseen"]
    assert desk.ledger.is_removed("twitch", "twitch:m1")


def test_a_wiped_room(desk: Desk) -> None:
    desk.moderation.platform_removed("twitch", Removal(everything=True, reason="cleared"))
    assert desk.removed == [Removed(platform="twitch", everything=True, reason="cleared")]
