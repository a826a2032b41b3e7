"""Choosing among chat lines: what goes first, what is merged, what is passed over and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ipc.config import DirectorSection
from ipc.protocol import ChatMessage
from ipc.states import ChatKind
from workers import gate
from workers.director.group import LINES, PEOPLE
from workers.director.pace import Recent
from workers.director.pick import CROWD_CHARS, CROWD_LINES
from workers.director.queue import ChatQueue, Pick
from workers.director.words import fold

S = 1_000_000_000
T0 = 1000 * S  # the beginning of a slot of equally fresh lines
HALF_LIFE_S = 25.0


def queue(**director: Any) -> ChatQueue:
    return ChatQueue(DirectorSection(**director), ["nova", "Nova Nine", "ノヴァ"])


def line(
    number: int, text: str = "", author: str = "", at_s: float = 0.0, **fields: Any
) -> ChatMessage:
    name = author or f"viewer {number}"
    return ChatMessage(
        id=f"m{number}", platform=fields.pop("platform", "twitch"), author=name,
        author_id=f"twitch:{name}", text=text or f"line {number}",
        received_ns=T0 + int(at_s * S), at=0.0, **fields,
    )  # fmt: skip


def offer(into: ChatQueue, *lines: ChatMessage) -> list[tuple[str, str]]:
    gone = [passed for new in lines for passed in into.offer(new, new.received_ns)]
    return [(passed.id, reason) for passed, reason in gone]


def taken(from_: ChatQueue, at_s: float = 0.0) -> list[Pick]:
    picks = []
    while (pick := from_.take(T0 + int(at_s * S))) is not None:
        picks.append(pick)
    return picks


def ids(picks: list[Pick]) -> list[str]:
    return [message_id for pick in picks for message_id in pick.ids]


# --- what goes first ---


def test_lines_of_the_same_few_seconds_go_oldest_first() -> None:
    chat = queue()
    offer(chat, *(line(n, at_s=n) for n in range(5)))
    assert ids(taken(chat, 5)) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_half_life_later_a_line_is_worth_half() -> None:
    chat = queue()
    offer(chat, line(1))
    (then,) = chat.listing(T0)
    (now,) = chat.listing(T0 + int(HALF_LIFE_S * S))
    assert now["score"] == pytest.approx(then["score"] / 2)
    offer(chat, line(2, at_s=HALF_LIFE_S))
    assert ids(taken(chat, HALF_LIFE_S)) == ["m2", "m1"]


@pytest.mark.parametrize(
    ("factor", "better"),
    [
        ("mention", {"text": "hey NOVAAA look at that"}),
        ("mention", {"text": "nóva says so"}),
        ("mention", {"text": "@Nova_Nine welcome back"}),
        ("mention", {"text": "@nova gg2 ez"}),
        ("mention", {"text": "ノヴァちゃんかわいい"}),
        ("question", {"text": "so is it good or not?"}),
        ("question", {"text": "what game is that"}),
        ("question", {"text": "can you sing"}),
        ("question", {"text": "ما هذه اللعبة؟"}),
        ("reply", {"reply_to": "NOVA"}),
        ("first", {"first": True}),
        ("member", {"roles": ["vip"]}),
        ("paid", {"paid": 1.0}),
        ("event", {"kind": ChatKind.RAID, "notice": "30 raiders from mira have joined!"}),
    ],
)
def test_what_speaks_for_a_line(factor: str, better: dict[str, Any]) -> None:
    chat = queue()
    offer(chat, line(1, "just some words"), line(2, **better))
    weight = getattr(DirectorSection().score, factor)
    assert chat.listing(T0)[0]["factors"] == {factor: pytest.approx(weight)}
    assert ids(taken(chat)) == ["m2", "m1"]


@pytest.mark.parametrize(
    ("factor", "worse"),
    [
        ("emotes_only", {"text": "LUL LUL", "emotes_only": True}),
        ("emotes_only", {"text": "😂😂👨‍👩‍👧"}),
        ("emotes_only", {"text": "???!!!"}),
        ("other", {"text": "", "kind": ChatKind.OTHER, "notice": "mira watched 5 streams"}),
        ("aside", {"text": "@ann she never does that"}),
        ("aside", {"text": "she never does that", "reply_to": "ann"}),
    ],
)
def test_what_speaks_against_a_line(factor: str, worse: dict[str, Any]) -> None:
    chat = queue()
    offer(chat, line(1, **worse), line(2, "just some words"))
    weight = getattr(DirectorSection().score, factor)
    assert chat.listing(T0)[1]["factors"] == {factor: pytest.approx(weight)}
    assert ids(taken(chat)) == ["m2", "m1"]


@pytest.mark.parametrize(
    "text",
    [
        "novality is a word", "see https://example.org/?v=1 there", "do it again",
        "שלום לכולם", "Z̷a̷l̷g̷o̷ text", "e\u0301cole", "👋 hello",
    ],
)  # fmt: skip
def test_what_is_a_line_like_any_other(text: str) -> None:
    chat = queue()
    offer(chat, line(1, text))
    assert chat.listing(T0)[0]["factors"] == {}


def test_paying_twice_as_much_counts_for_a_doubling() -> None:
    chat = queue()
    offer(chat, *(line(n, paid=paid) for n, paid in enumerate((1.0, 3.0, 7.0))))
    assert [row["factors"]["paid"] for row in chat.listing(T0)] == [8.0, 4.0, 2.0]


def test_the_score_is_the_product_of_its_factors() -> None:
    chat = queue()
    offer(chat, line(1, "nova, what is that?", first=True), line(2, "Nova what is that", at_s=3))
    chat.answered(Pick.of(line(3, "nova what is that!")), T0)
    (row,) = chat.listing(T0 + 30 * S)
    assert set(row["factors"]) == {
        "mention", "question", "first", "repeated", "answered", "fresh",
    }  # fmt: skip
    product = 1.0
    for factor in row["factors"].values():
        product *= factor
    assert row["score"] == pytest.approx(product, rel=1e-3)
    assert (row["people"], row["author"], row["age_s"]) == (2, "2 viewers", 30.0)


def test_weights_come_from_the_configuration() -> None:
    base = DirectorSection()
    plain = ChatQueue(
        msgspec.structs.replace(base, score=msgspec.structs.replace(base.score, question=1.0)), []
    )
    offer(plain, line(1, "hello there"), line(2, "why?"))
    assert plain.listing(T0)[1]["factors"] == {}
    assert ids(taken(plain)) == ["m1", "m2"]


def test_she_answers_to_other_names_too() -> None:
    chat = queue(called=["Spark_Bot"])
    offer(chat, line(1, "what do you think, sparkbot"), line(2, "yes", reply_to="spark_bot"))
    assert [set(row["factors"]) for row in chat.listing(T0)] == [{"reply"}, {"question"}]


def test_the_page_about_it_has_every_factor_with_its_weight() -> None:
    page = Path(__file__).parents[2] / "docs" / "chat.md"
    rows = [row for row in page.read_text("utf-8").splitlines() if row.startswith("| `")]
    for name, weight in msgspec.structs.asdict(DirectorSection().score).items():
        (row,) = [row for row in rows if f"`{name}`" in row]
        assert f"{weight:g}" in row


# --- the console and the operator ---


def test_the_console_goes_first_and_in_order_however_bad_its_lines() -> None:
    chat = queue()
    offer(
        chat,
        line(0, "nova, why?", paid=500.0),
        *(line(n, "😂", "me", at_s=n, platform="console") for n in range(1, 7)),
    )
    assert len(chat) == 7
    assert ids(taken(chat, 90)) == ["m1", "m2", "m3", "m4", "m5", "m6", "m0"]


def test_the_operator_picks_what_is_next() -> None:
    chat = queue()
    offer(chat, line(1, "hello"), line(2, "HELLO!"), line(3, "nova?"), line(4, platform="console"))
    assert chat.pick_next("m2")
    assert not chat.pick_next("m9")
    assert chat.listing(T0)[0]["rank"] == "operator"
    assert chat.expire(T0 + 3600 * S) != []
    assert ids(taken(chat)) == ["m1", "m2"]


def test_the_last_one_picked_is_the_next() -> None:
    chat = queue()
    offer(chat, *(line(n) for n in range(4)))
    assert chat.pick_next("m2")
    assert chat.pick_next("m3")
    assert ids(taken(chat)) == ["m3", "m2", "m0", "m1"]


def test_the_operator_drops_a_line_and_those_who_agree_stay() -> None:
    chat = queue()
    offer(chat, line(1, "hello"), line(2, "hello"))
    dropped = chat.drop("m1")
    assert dropped is not None
    assert dropped.id == "m1"
    assert chat.drop("m1") is None
    assert [pick.author for pick in taken(chat)] == ["viewer 2"]


def test_put_back_is_next_again() -> None:
    chat = queue()
    offer(chat, line(1, "hello"), line(2, "nova?"), line(3, "hello!", at_s=1))
    first = chat.take(T0)
    second = chat.take(T0)
    assert first is not None
    assert second is not None
    offer(chat, line(4, "nova, are you there?", paid=50.0))
    chat.put_back(second)
    assert "m1" in chat
    assert chat.take(T0) == second
    chat.put_back(second)
    chat.put_back(first)
    assert ids(taken(chat)) == [*first.ids, *second.ids, "m4"]


def test_put_back_joins_what_was_said_meanwhile() -> None:
    chat = queue()
    offer(chat, line(1, "hello"))
    pick = chat.take(T0)
    assert pick is not None
    offer(chat, *(line(n, "hello") for n in range(2, 2 + LINES)))
    chat.put_back(pick)
    assert chat.next_expiry_ns() == 0
    assert [(old.id, why) for old, why in chat.expire(T0)] == [
        ("m1", "the same as others that wait")
    ]
    (again,) = taken(chat)
    assert again.author == f"{LINES + 1} viewers"


def test_put_back_takes_nothing_from_what_the_operator_picked() -> None:
    chat = queue()
    offer(chat, line(1, "hello"))
    pick = chat.take(T0)
    assert pick is not None
    offer(chat, line(2, "hello"), line(3, "nova?"))
    chat.pick_next("m2")
    chat.put_back(pick)
    assert (chat.listing(T0)[0]["rank"], chat.listing(T0)[0]["ids"]) == ("operator", ["m1", "m2"])


# --- saying the same ---


def test_the_same_question_of_many_is_one_pick() -> None:
    chat = queue()
    texts = [
        "What game is this?",
        "what game is this??? 😂",
        "WHAT GAME IS THIS",
        "whaaat game is this",
    ]
    offer(chat, *(line(n, text) for n, text in enumerate(texts)), line(9, "hello"))
    assert len(chat) == 2
    pick, other = taken(chat)
    assert (pick.author, pick.text, pick.ids) == ("4 viewers", texts[0], ["m0", "m1", "m2", "m3"])
    assert (other.author, chat.merged) == ("viewer 9", 3)


@pytest.mark.parametrize(
    "disguised",
    [
        "c0py th1s p4sta",
        "сору this pasta",
        "ｃｏｐｙ this pasta",
        "c\u200bopy thís pasta",
        "\U0001d41copy this pasta",
    ],
)
def test_copies_in_disguise_are_the_same(disguised: str) -> None:
    chat = queue()
    offer(chat, line(1, "Copy this pasta!"), line(2, disguised))
    assert [pick.author for pick in taken(chat)] == ["2 viewers"]


@given(st.text("abcoXY ?.,'😂", max_size=60))
def test_lines_without_disguise_are_folded_as_the_gate_does(text: str) -> None:
    assume(fold(text).words)
    assert fold(text).words.strip() == gate.fold(text)


@pytest.mark.parametrize(
    "texts",
    [
        ("is it 10", "is it 100"), ("がき", "かき"), ("की", "का"), ("😂", "🔥"), ("!", "?"),
        ("!song", "song"), ("c++", "c"),
    ],
)  # fmt: skip
def test_what_is_not_the_same(texts: tuple[str, str]) -> None:
    chat = queue(commands={"song": "Say which song this is."})
    offer(chat, *(line(n, text) for n, text in enumerate(texts)))
    assert len(chat) == (1 if texts == ("c++", "c") else 2)


def test_ever_more_who_say_the_same_count_but_fill_nothing() -> None:
    chat = queue()
    passed = offer(chat, *(line(n, "hello there", at_s=n / 100) for n in range(1200)))
    assert passed == [(f"m{n}", "the same as others that wait") for n in range(1200 - LINES)]
    (pick,) = taken(chat)
    assert len(pick.lines) == LINES
    assert pick.author == f"more than {PEOPLE - 1} viewers"
    assert chat.passed_over == {"the same as others that wait": 1200 - LINES}


def test_saying_it_again_makes_it_neither_more_nor_fresher() -> None:
    chat = queue()
    passed = offer(chat, *(line(n, "hello", "Ann", at_s=n) for n in range(10)))
    assert passed == [(f"m{n}", "the same viewer said so already") for n in range(1, 10)]
    (row,) = chat.listing(T0 + 10 * S)
    assert (row["people"], row["factors"]) == (
        1,
        {"fresh": pytest.approx(0.5 ** (2 / 5), rel=1e-3)},
    )


def test_paid_lines_are_never_merged_and_gifts_of_one_are() -> None:
    chat = queue()
    gifts = [
        line(n, "", "Ann", kind=ChatKind.GIFT, notice=f"Ann gifted a sub to {n}") for n in range(3)
    ]
    offer(chat, line(10, "hello"), line(11, "hello", paid=2.0), line(12, "hello", paid=2.0), *gifts)
    assert [pick.ids for pick in taken(chat)] == [["m0", "m1", "m2"], ["m11"], ["m12"], ["m10"]]


def test_what_was_just_answered_is_worth_less() -> None:
    chat = queue()
    chat.answered(Pick.of(line(1, "play freebird", "Ann")), T0)
    offer(chat, line(2, "PLAY FREEBIRD"), line(3, "sing it", "Ann"), line(4, "something else"))
    assert ids(taken(chat)) == ["m4", "m2", "m3"]
    offer(chat, line(5, "PLAY FREEBIRD", at_s=900))
    assert chat.listing(T0 + 900 * S)[0]["factors"] == {}


# --- floods ---


def test_of_one_viewer_the_newest_few_wait() -> None:
    chat = queue()
    passed = offer(chat, *(line(n, author="loud", at_s=n / 10) for n in range(20)))
    assert passed == [(f"m{n}", "a newer line of the same viewer") for n in range(17)]
    assert offer(chat, line(100, author="quiet")) == []
    assert "m100" in chat
    assert ids(taken(chat))[0] == "m100"


def test_what_was_paid_for_gives_way_to_no_newer_line_of_the_same_viewer() -> None:
    chat = queue()
    offer(chat, *(line(n, author="Ann", paid=1.0) for n in range(10)))
    passed = offer(chat, *(line(n, author="Ann") for n in range(10, 15)))
    assert [message_id for message_id, _ in passed] == ["m10", "m11"]
    assert len(chat) == 13


def test_a_full_queue_passes_over_what_is_worth_least() -> None:
    chat = queue(queue_size=3)
    offer(chat, line(1, "nova?"), line(2, "LUL", emotes_only=True), line(3, "hi all"))
    assert offer(chat, line(4, "nova, why?")) == [("m2", "the queue is full")]
    assert offer(chat, line(5, "one of many")) == [("m5", "the queue is full")]
    assert offer(chat, line(6, "some time later", at_s=60)) == [("m3", "the queue is full")]
    assert chat.passed_over == {"the queue is full": 3}


@pytest.mark.parametrize("every_s", [0.05, 1.0, 4.0, 9.0])
def test_a_quiet_viewer_is_answered_within_the_half_life(every_s: float) -> None:
    """One who floods with the best of lines, answered every five seconds, cannot have it all."""
    chat = queue()
    asked_s, number = 10.0, 0
    offered = False
    for second in range(5, 60, 5):
        while number * every_s < second:
            at_s = number * every_s
            if at_s >= asked_s and not offered:
                offer(chat, line(99_999, "my cat is called Tofu", "quiet", asked_s))
                offered = True
            offer(chat, line(number, f"nova, question {number}?", "loud", at_s, roles=["vip"]))
            number += 1
        pick = chat.take(T0 + second * S)
        if pick is not None:
            chat.answered(pick, T0 + second * S)
            if pick.author == "quiet":
                assert second - asked_s <= HALF_LIFE_S
                return
    pytest.fail("the quiet viewer was never answered")


# --- commands ---


def test_commands_are_passed_over_or_asked_for() -> None:
    chat = queue(commands={"Song": "Tell chat which song this is."})
    assert offer(
        chat, line(1, "!lurk"), line(2, "!song", "Ann"), line(3, "!SONG the last one", "Bo")
    ) == [("m1", "a command")]
    assert [(pick.author, pick.text) for pick in taken(chat)] == [
        ("Ann", "Tell chat which song this is."),
        ("Bo", "Tell chat which song this is. (Bo typed: !song the last one)"),
    ]


@pytest.mark.parametrize(
    "no_command",
    [
        {"text": "hello", "author": "!song"}, {"text": "!!!"}, {"text": "! hello"},
        {"text": "try !song"}, {"text": "!hype", "paid": 5.0},
        {"text": "!song", "kind": ChatKind.SUB, "notice": "Ann subscribed"},
    ],
)  # fmt: skip
def test_what_is_no_command(no_command: dict[str, Any]) -> None:
    chat = queue()
    assert offer(chat, line(1, **no_command)) == []
    assert len(chat) == 1


def test_what_the_platform_tells_stands_before_the_words() -> None:
    chat = queue()
    offer(
        chat,
        line(1, "love it", kind=ChatKind.SUB, notice="Ann subscribed for 3 months!"),
        line(2, "hello", paid=5.0, paid_text="5,00 €"),
    )
    assert {pick.text for pick in taken(chat)} == {
        "(Ann subscribed for 3 months!) love it", "(5,00 €) hello",
    }  # fmt: skip


# --- a crowd ---


def busy(chat: ChatQueue, lines: int = 300, at_s: float = 0.0) -> Iterator[tuple[str, str]]:
    texts = ["what game is this?", "hello", "first time here, hi all", "LUL"]
    for n in range(lines):
        text = texts[n % 4] if n % 10 else f"number {n} of many"
        yield from offer(chat, line(10_000 + int(at_s) * 1000 + n, text, at_s=at_s + n / 300))


def test_a_busy_chat_is_answered_as_a_crowd() -> None:
    chat = queue()
    assert not chat.crowd
    list(busy(chat))
    assert chat.crowd
    pick = chat.take(T0 + S)
    assert pick is not None
    assert (pick.crowd, pick.author) == (True, "chat")
    assert pick.text.startswith("60 viewers: what game is this? / 75 viewers: ")
    assert len(pick.text) <= CROWD_CHARS
    assert len(pick.lines) <= CROWD_LINES
    assert not any(message_id in chat for message_id in pick.ids)
    again = chat.take(T0 + S)
    assert again is not None
    assert not set(again.ids) & set(pick.ids)


def test_in_a_crowd_who_did_more_than_write_is_answered_alone() -> None:
    chat = queue()
    list(busy(chat))
    offer(
        chat,
        line(1, "hello", platform="console"),
        line(2, "hello", "Ann", paid=500.0),
        line(3, "", "Bo", kind=ChatKind.RAID, notice="Bo raids", first=True, roles=["vip"]),
    )
    picks = [chat.take(T0 + S) for _ in range(3)]
    assert [pick.author for pick in picks if pick] == ["viewer 1", "Ann", "chat"]
    assert "m3" in chat


def test_neither_one_who_floods_nor_commands_make_a_crowd() -> None:
    chat = queue(crowd_per_minute=20)
    offer(chat, *(line(n, author="loud", at_s=n / 10) for n in range(300)))
    offer(chat, *(line(n, "!play", at_s=30 + n % 200 / 10) for n in range(1000, 1200)))
    assert chat.per_minute(T0 + 50 * S) == 500
    assert not chat.crowd
    pick = chat.take(T0 + 50 * S)
    assert pick is not None
    assert pick.author == "loud"


def test_in_a_crowd_each_viewer_has_one_word() -> None:
    chat = queue(crowd_per_minute=3)
    offer(chat, *(line(n, f"nova {n}?", "loud") for n in range(3)), line(9, "hello", "Ann"))
    pick = chat.take(T0)
    assert pick is not None
    assert (pick.crowd, pick.text) == (True, "loud: nova 0? / Ann: hello")


def test_a_crowd_is_over_only_when_it_is_clearly_calmer() -> None:
    chat = queue(crowd_per_minute=100)
    for n in range(100):
        offer(chat, line(n, at_s=n // 5 * 3))
    assert chat.crowd
    assert chat.per_minute(T0 + 74 * S) == 75
    assert chat.crowd
    assert chat.per_minute(T0 + 75 * S) == 70
    assert not chat.crowd
    offer(chat, line(1000, at_s=77))
    assert not chat.crowd


def test_a_crowd_loses_a_removed_line_and_its_text_the_words() -> None:
    chat = queue()
    list(busy(chat))
    pick = chat.take(T0 + S)
    assert pick is not None
    chat.put_back(pick)
    gone = chat.remove(lambda waiting: waiting.text == "hello")
    assert len(gone) == LINES
    again = chat.take(T0 + S)
    assert again is not None
    assert again.crowd
    assert "hello" not in again.text
    assert not {old.id for old in gone} & set(again.ids)


@given(st.lists(st.tuples(st.text(max_size=500), st.text(max_size=32)), min_size=1, max_size=12))
def test_a_crowd_of_anything_is_bounded(lines: list[tuple[str, str]]) -> None:
    chat = queue(crowd_per_minute=1)
    for n, (text, author) in enumerate(lines):
        offer(chat, line(n, text, author))
    for pick in taken(chat):
        assert len(pick.lines) <= CROWD_LINES
        assert len(pick.text) <= (CROWD_CHARS if pick.crowd else 500)


# --- time and removal ---


def test_old_lines_expire_when_it_says() -> None:
    chat = queue()
    offer(chat, line(1, "hello", at_s=10), line(2, "hello", at_s=12))
    for gone, left in (("m1", 1), ("m2", 0)):
        due = chat.next_expiry_ns()
        assert due is not None
        assert chat.expire(due - 1) == []
        assert [(old.id, why) for old, why in chat.expire(due)] == [(gone, "it waited too long")]
        assert len(chat) == left
    assert chat.next_expiry_ns() is None


def test_a_line_from_the_future_expires_too() -> None:
    chat = queue()
    chat.offer(line(1, at_s=1e6), T0)
    assert chat.next_expiry_ns() == T0 + 90 * S + 1


def test_removed_lines_leave_their_groups() -> None:
    chat = queue()
    offer(chat, *(line(n, "hello") for n in range(4)), line(9, "bye"))
    gone = chat.remove(lambda waiting: waiting.author in {"viewer 0", "viewer 2"})
    assert [old.id for old in gone] == ["m0", "m2"]
    pick, _ = taken(chat)
    assert (pick.author, pick.ids) == ("2 viewers", ["m1", "m3"])
    offer(chat, line(10))
    assert [old.id for old in chat.clear()] == ["m10"]
    assert len(chat) == 0


# --- counting ---


def test_what_happened_lately_fades_and_is_forgotten() -> None:
    recent = Recent(half_life_s=10.0, size=3)
    assert recent.count("a", T0) == 0.0
    assert recent.note("a", T0) == 1.0
    assert recent.note("a", T0 + 10 * S) == 1.5
    assert recent.count("a", T0 + 20 * S) == 0.75
    assert recent.count("a", T0 + 100 * S) == 0.0
    for key in ("b", "c", "a", "d"):
        recent.note(key, T0 + 20 * S)
    assert len(recent) == 3
    assert recent.count("b", T0 + 20 * S) == 0.0
    assert recent.count("a", T0 + 20 * S) == 1.75


# --- whatever comes ---

TEXTS = st.sampled_from(
    [
        "hello",
        "HELLO!",
        "what game?",
        "nova",
        "😂",
        "!song",
        "!no",
        "",
        "a b",
        "b a",
        "ש",
        "x" * 400,
    ]
)
OFFER = st.tuples(st.just("offer"), TEXTS, st.integers(0, 6), st.sampled_from(
    ["twitch", "twitch", "youtube", "console"]
), st.sampled_from([ChatKind.LINE, ChatKind.LINE, ChatKind.GIFT, ChatKind.OTHER]),
    st.sampled_from([0.0, 0.0, 0.0, 5.0]))  # fmt: skip
OTHERWISE = st.tuples(
    st.sampled_from(["take", "put back", "wait", "remove", "next", "drop", "expire"]),
    st.integers(0, 60),
)


@settings(max_examples=300)
@given(st.lists(OFFER | OTHERWISE, max_size=120), st.sampled_from([2, 8, 64]), st.integers(1, 60))
def test_every_line_ends_exactly_once(
    steps: list[tuple[Any, ...]], size: int, crowd_per_minute: int
) -> None:
    chat = queue(queue_size=size, crowd_per_minute=crowd_per_minute, commands={"song": "Sing."})
    now = T0
    offered = 0
    ended: Counter[str] = Counter()
    out: Pick | None = None
    for step in steps:
        what = step[0]
        if what == "offer":
            _, text, author, platform, kind, paid = step
            new = line(
                offered, text, f"a{author}", (now - T0) / S, platform=platform, kind=kind, paid=paid
            )
            ended.update(
                old.id for old, _ in chat.offer(msgspec.structs.replace(new, text=text), now)
            )
            offered += 1
            assert len(chat) <= size
        elif what == "take":
            ended.update(out.ids if out else [])
            out = chat.take(now)
            if out is not None:
                chat.answered(out, now)
        elif what == "put back" and out is not None:
            chat.put_back(out)
            out = None
        elif what == "wait":
            now += step[1] * S
            assert len(chat.listing(now)) == len(chat)
        elif what == "remove":
            gone = {f"m{n}" for n in range(step[1] % 7, offered, 7)}
            ended.update(old.id for old in chat.remove(lambda old, gone=gone: old.id in gone))
        elif what == "next":
            chat.pick_next(f"m{step[1]}")
        elif what == "drop":
            dropped = chat.drop(f"m{step[1]}")
            ended.update([dropped.id] if dropped else [])
        elif what == "expire":
            ended.update(old.id for old, _ in chat.expire(now))
            due = chat.next_expiry_ns()
            assert due is None or due > now
    waiting = [message_id for row in chat.listing(now) for message_id in row["ids"]]
    assert all(message_id in chat for message_id in waiting)
    ended.update(out.ids if out else [])
    ended.update(old.id for old, _ in chat.expire(now))
    ended.update(ids(taken(chat, (now - T0) / S)))
    assert ended == Counter({f"m{n}": 1 for n in range(offered)})
    assert len(chat) == 0


@given(st.permutations(range(8)), st.integers(0, 3))
def test_the_order_depends_on_nothing_but_lines(order: list[int], removed: int) -> None:
    """Equals go in the order in which they came, whatever came and went between."""
    chat, other = queue(queue_size=4), queue(queue_size=4)
    for n in order:
        offer(chat, line(n, "nova?" if n == removed else ""))
        offer(other, line(n, "nova?" if n == removed else ""))
    assert ids(taken(chat)) == ids(taken(other))


def test_a_hundred_thousand_lines_leave_no_trace() -> None:
    """scripts/measure_queue.py traces every allocation; that takes too long to do each time."""
    chat = queue()
    process = psutil.Process()
    held: list[int] = []
    for n in range(100_000):
        text = ("copy pasta " * 40) if n % 2 else f"something else {n}"
        new = line(n, text, f"viewer {n % 30_000}", n / 1700)
        chat.offer(new, new.received_ns)
        if n in {20_000, 99_999}:
            held.append(process.memory_info().rss)
    assert held[1] - held[0] < 6_000_000  # 75 bytes a line
    assert chat.per_minute(T0 + 59 * S) == 100_000
    waiting = sum(len(row["ids"]) for row in chat.listing(T0))
    assert sum(chat.passed_over.values()) + waiting == 100_000
