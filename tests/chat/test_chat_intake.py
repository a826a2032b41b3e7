"""chat: what becomes of a line: shown, passed on, masked, held or stopped."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.codec import decode, encode
from ipc.config import GateInput, GateSection
from ipc.protocol import ChatEvent, ChatLines, ChatMessage, Event, ToDirector
from ipc.states import ChatKind, Role, TurnOutcome
from workers.chat.ids import author_id, message_id
from workers.chat.input_gate import InputGate
from workers.chat.intake import TOO_BUSY, Arrival, Intake
from workers.chat.ledger import Ledger, Recent
from workers.chat.platform import Line
from workers.chat.reports import A_SECOND, ONE_IN, Screen, shown
from workers.chat.standing import OPERATOR, Mark, Standing
from workers.chat.viewers import KNOWN, Viewers
from workers.gate import Judgement

WORDS = "drop: grotbag\nmask: blimey\nhold: frumious\n"
NOW_NS = 10**12


class Rig:
    """An intake with everything around it."""

    def __init__(self, directory: Path, **policy: Any) -> None:
        words = directory / "words.txt"
        words.write_text(WORDS)
        self.gate = InputGate(GateSection(words=str(words), input=GateInput(**policy)))
        self.gate.refresh(NOW_NS)
        self.standing = Standing()
        self.viewers = Viewers()
        self.ledger = Ledger(size=100)
        self.intake = Intake(50, self.gate, self.standing, self.viewers, self.ledger)

    def take(self, text: str = "hello", **fields: Any) -> Arrival | str:
        own = fields.pop("own", False)
        known = {"platform": "twitch", "author": "Mira", "author_id": "11", "received_ns": 7}
        return self.intake.take(Line(text=text, **known | fields), 1.5, NOW_NS, own=own)

    def arrives(self, text: str = "hello", **fields: Any) -> Arrival:
        arrival = self.take(text, **fields)
        assert isinstance(arrival, Arrival), arrival
        assert decode(ToDirector, encode(ChatLines(lines=[arrival.message])))
        assert decode(Event, encode(shown(arrival.message)))
        return arrival

    def says(self, text: str = "hello", **fields: Any) -> ChatMessage:
        arrival = self.arrives(text, **fields)
        assert arrival.passes, arrival.reason
        return arrival.message


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_everything_a_platform_says_arrives(rig: Rig) -> None:
    message = rig.says(
        "  hi\x07 there ",
        id="abc-1",
        login="mira",
        kind=ChatKind.SUB,
        count=5,
        notice="Mira subscribed\nfor 5 months",
        roles=(Role.SUBSCRIBER, Role.VIP),
        first=True,
        paid=4.99,
        paid_text="$4.99",
        reply_to="Nova",
        emotes_only=True,
    )
    assert message == ChatMessage(
        id="twitch:abc-1",
        platform="twitch",
        author="Mira",
        author_id="twitch:11",
        text="hi there",
        received_ns=7,
        at=1.5,
        kind=ChatKind.SUB,
        count=5,
        notice="Mira subscribed for 5 months",
        roles=["subscriber", "vip"],
        first=True,
        paid=4.99,
        paid_text="$4.99",
        reply_to="Nova",
        emotes_only=True,
    )


def test_a_line_comes_once(rig: Rig) -> None:
    rig.says(id="1")
    assert rig.take(id="1") == "the line came before"
    assert rig.take(id="1", platform="youtube") != "the line came before"
    rig.says()
    rig.says()  # without an id nothing is known to be the same


def test_a_line_deleted_before_it_comes_does_not_pass(rig: Rig) -> None:
    assert rig.ledger.remove("twitch", ["5"]) == ["twitch:5"]
    assert rig.take(id="5") == "the line was deleted before it came"
    assert rig.take(id="of-the-other-room", delete_id="5") == (
        "the line was deleted before it came"
    )


def test_a_line_is_removed_by_either_of_its_ids(rig: Rig) -> None:
    rig.says(id="source", delete_id="here")
    assert rig.ledger.remove("twitch", ["here"]) == ["twitch:here", "twitch:source"]
    place = rig.ledger.find("twitch:source")
    assert place is not None
    assert place.delete_id == "here"


@pytest.mark.parametrize("text", ["", "  ", "\u200b\u202e\x00"])
def test_an_empty_line_is_nothing(rig: Rig, text: str) -> None:
    assert rig.take(text) == "the line is empty"
    assert rig.says(text, kind=ChatKind.RAID, count=30, notice="30 raiders").text == ""
    paid = rig.says(text, paid=2.0, paid_text="€2,00")
    assert (paid.kind, paid.notice) == (ChatKind.OTHER, "Mira paid €2,00")


@pytest.mark.parametrize(
    "text",
    [
        "😀",
        "👩‍🚀👍🏽",
        "مرحبا بالعالم",
        "שלום",
        "e\u0301galite\u0301",
        "Z\u0334alg\u0334o",
        "ｗｉｄｅ",
        "한국어",
    ],
)
def test_every_script_passes(rig: Rig, text: str) -> None:
    assert rig.says(text).text == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("author", "login", "shown_as"),
    [
        ("system", "system", "system"),
        ("!ban", "ban", "!ban"),
        ("", "mira", "mira"),
        ("", "", "viewer"),
        ("\u202e\u200b", "", "viewer"),
        ("Mi\nra", "mira", "Mi ra"),
        ("مريم", "maryam", "مريم"),
        ("the quick brown fox " * 5, "", "the quick brown fox the quick br"),
        ("grotbag", "grotbag", "viewer"),
        ("frumious", "f", "viewer"),
        ("blimey", "b", "******"),
    ],
)
def test_names(rig: Rig, author: str, login: str, shown_as: str) -> None:
    for _ in range(2):
        assert rig.says(author=author, login=login).author == shown_as


def test_a_name_is_judged_again_when_the_lists_change(rig: Rig, tmp_path: Path) -> None:
    assert rig.says(author="piffle").author == "piffle"
    (tmp_path / "words.txt").write_text(WORDS + "drop: piffle\n")
    assert rig.gate.refresh(NOW_NS + 2 * 10**9)
    assert rig.says(author="piffle").author == "viewer"


def test_the_gate(rig: Rig) -> None:
    masked = rig.says("oh blimey")
    assert masked.text == "oh ******"
    held = rig.says("how frumious")
    assert held.held_why
    dropped = rig.arrives("you grotbag")
    assert dropped.outcome is TurnOutcome.BLOCKED
    assert "grotbag" in dropped.reason
    assert dropped.hit
    assert not dropped.passes
    viewer = rig.viewers.get("twitch:11")
    assert viewer is not None
    assert (viewer.lines, viewer.hits) == (3, 3)
    assert [text for _, text, _ in viewer.said] == ["oh blimey", "how frumious", "you grotbag"]


def test_a_raid_is_told_whatever_was_written_with_it(rig: Rig) -> None:
    arrival = rig.arrives("you grotbag", kind=ChatKind.RAID, count=9, notice="grotbag raids")
    assert arrival.passes
    assert arrival.hit
    assert (arrival.message.text, arrival.message.notice, arrival.message.count) == ("", "", 9)


def test_without_a_word_list_nothing_passes(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.gate = InputGate(GateSection(words=str(tmp_path / "none.txt")))
    rig.gate.refresh(NOW_NS)
    rig.intake = Intake(50, rig.gate, rig.standing, rig.viewers, rig.ledger)
    assert rig.arrives().outcome is TurnOutcome.BLOCKED
    assert "none.txt" in rig.gate.problem


def test_who_is_banned_is_not_heard(rig: Rig) -> None:
    rig.standing.put(Mark(id="twitch:11", banned=True, by=OPERATOR))
    for fields in ({}, {"kind": ChatKind.RAID}, {"paid": 5.0}):
        arrival = rig.arrives(**fields)
        assert (arrival.outcome, arrival.reason) == (TurnOutcome.REMOVED, "the viewer is banned")
    assert rig.says(author_id="12").author_id == "twitch:12"
    rig.says(platform="youtube")  # the same id elsewhere is somebody else


def test_doubts_do_not_count_for_the_trusted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, urls="mask", spam="drop")
    spam, url = "a" * 49, "look at https://example.com/x"
    assert rig.arrives(spam).outcome is TurnOutcome.BLOCKED
    assert rig.says(url).text != url
    rig.standing.put(Mark(id="twitch:11", trusted=True))
    assert rig.says(spam).text == spam
    assert rig.says(url).text == url
    assert rig.says(url).roles == ["trusted"]
    assert not rig.says("how frumious").held_why
    assert rig.says("oh blimey").text == "oh ******"
    assert rig.arrives("you grotbag").outcome is TurnOutcome.BLOCKED


def test_our_own_lines_are_shown_and_not_answered(rig: Rig) -> None:
    arrival = rig.arrives("I am live", own=True)
    assert not arrival.passes
    assert arrival.outcome is None


def test_a_long_line_is_cut(rig: Rig) -> None:
    arrival = rig.arrives("word " * 100)
    assert arrival.cut
    assert len(arrival.message.text) <= 50


@pytest.mark.parametrize("paid", [math.nan, math.inf, -1.0, 1e300])
def test_an_absurd_amount_breaks_no_frame(rig: Rig, paid: float) -> None:
    message = rig.says(paid=paid, count=-5, received_ns=2**70)
    assert (message.paid, message.count, message.received_ns) == (0.0, 0, NOW_NS)


@given(
    st.builds(
        Line,
        platform=st.just("twitch"),
        author=st.text(st.characters(), max_size=40),
        author_id=st.text(st.characters(), max_size=40),
        text=st.text(st.characters(), max_size=80),
        received_ns=st.integers(),
        id=st.text(st.characters(), max_size=200),
        delete_id=st.text(st.characters(), max_size=20),
        login=st.text(st.characters(), max_size=20),
        kind=st.sampled_from(ChatKind),
        count=st.integers(),
        notice=st.text(st.characters(), max_size=40),
        paid=st.floats(),
        paid_text=st.text(st.characters(), max_size=20),
        reply_to=st.text(st.characters(), max_size=20),
    )
)
def test_no_line_raises_and_every_arrival_can_be_sent(line: Line) -> None:
    arrival = SHARED.intake.take(line, 1.5, NOW_NS)
    if isinstance(arrival, Arrival):
        assert decode(ToDirector, encode(ChatLines(lines=[arrival.message])))
        assert decode(Event, encode(shown(arrival.message)))
        assert arrival.message.author
        assert len(arrival.message.id) < 128
        assert len(arrival.message.author_id) < 128


@pytest.fixture(scope="module", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SHARED
    SHARED = Rig(tmp_path_factory.mktemp("words"))


SHARED: Rig


def test_ids_are_bounded_and_plain() -> None:
    assert message_id("twitch", "abc-1") == "twitch:abc-1"
    strange = [message_id("twitch", raw) for raw in ("a b", "é", "x" * 101, "\ud800", "a\n")]
    assert len(set(strange)) == 5
    assert all(len(number) == len("twitch:~") + 32 for number in strange)
    assert author_id("console", "mi ra") == "console:mi ra"
    assert author_id("console", " mi  ra ") == "console:mi ra"
    assert author_id("console", "Zoë\u200b") == "console:Zoë"
    assert author_id("console", "é" * 150).startswith("console:~")


def test_what_is_remembered_is_bounded() -> None:
    recent: Recent[int, str] = Recent(10)
    for number in range(1000):
        recent[number] = str(number)
        assert len(recent) <= 20
        assert all(n in recent for n in range(max(0, number - 9), number + 1))
    assert recent.get(999) == "999"
    assert recent.get(5) is None
    viewers = Viewers()
    for number in range(KNOWN + 500):
        viewers.meet(f"twitch:{number}", "n", "", 1.0)
    assert len(viewers) == KNOWN
    assert viewers.get("twitch:499") is None


def test_a_viewer_who_writes_stays_known() -> None:
    viewers = Viewers(size=3)
    for number in (1, 2, 3, 1, 4):
        viewers.meet(f"twitch:{number}", "n", "", 1.0)
    assert viewers.get("twitch:1")
    assert viewers.get("twitch:2") is None


def test_a_flood_is_shown_in_part_and_that_is_said_once(rig: Rig) -> None:
    events: list[Any] = []
    notices: list[str] = []
    screen = Screen(events.append, lambda _level, text: notices.append(text))
    for number in range(A_SECOND + 10 * ONE_IN):
        screen.show(rig.arrives(f"line {number}"), 50.0)
    assert len(events) == A_SECOND + 10
    screen.show(rig.arrives("thanks", paid=5.0), 50.0)
    screen.show(rig.arrives("how frumious"), 50.0)
    screen.show(rig.arrives("typed", platform="console"), 50.0)
    assert [event.text for event in events[-3:]] == ["thanks", "how frumious", "typed"]
    assert len(notices) == 1
    assert "screen shows a part" in notices[0]
    screen.tick(100.0)
    assert len(notices) == 1
    screen.tick(111.0)
    assert "189 lines left out" in notices[1]
    screen.show(rig.arrives("calm"), 200.0)
    assert events[-1].text == "calm"
    assert all(isinstance(event, ChatEvent) for event in events)


def test_lines_made_to_be_expensive_do_not_keep_chat_busy(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    now_s = 0.0

    class Slow(InputGate):
        """Every judgement takes ten milliseconds; between two of them no time passes."""

        def line(self, text: str, **how: Any) -> Judgement:
            nonlocal now_s
            now_s += 0.01
            return super().line(text, **how)

    gate = Slow(GateSection(words=str(tmp_path / "words.txt")))
    gate.refresh(NOW_NS)
    rig.intake = Intake(500, gate, rig.standing, rig.viewers, rig.ledger, lambda: now_s)
    long = "hello there everybody " * 10
    read = []
    for number in range(1000):
        read.append(rig.arrives(f"{long}{number}").passes)
        now_s += 0.001  # what passing a line over costs
    assert all(read[:100])
    assert now_s < 4.0, "reading them all takes eleven seconds"
    assert sum(read[500:]) > 10, "some go on being read"
    refused = next(a for a in (rig.arrives(f"{long} {n}") for n in range(99)) if not a.passes)
    assert (refused.outcome, refused.reason) == (TurnOutcome.SHED, TOO_BUSY)
    assert not refused.hit
    assert all(rig.arrives(f"short {n}").passes for n in range(50))
    assert all(rig.arrives(f"{long} paid {n}", paid=1.0).passes for n in range(9))
    now_s += 10
    assert rig.arrives(f"{long} later").passes
