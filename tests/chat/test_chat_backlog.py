"""chat: what is on its way to the director is bounded, in order, and lost only visibly."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ipc.protocol import ChatLines, ChatMessage, GateHit, Message, Removed
from ipc.states import ChatKind
from workers.chat.backlog import KEPT, REPEATED_S, STALE_S, UNDER_WAY, Backlog
from workers.chat.removals import AUTHORS, MESSAGES, Removals


def line(number: int, **fields: Any) -> ChatMessage:
    known = {"platform": "twitch", "author": "a", "author_id": "twitch:1"}
    return ChatMessage(
        id=f"twitch:{number}", text=str(number), received_ns=1, at=1.0, **known | fields
    )


class Director:
    """Takes ``room`` messages."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.now_s = 0.0
        self.messages: list[Message] = []
        self.backlog = Backlog(self._take, lambda: self.now_s)

    def _take(self, message: Message) -> bool:
        if self.room <= 0:
            return False
        self.room -= 1
        self.messages.append(message)
        return True

    @property
    def texts(self) -> list[str]:
        return [
            one.text
            for frame in self.messages
            if isinstance(frame, ChatLines)
            for one in frame.lines
        ]

    def of(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]


def by(author: str, *, forget: bool = False) -> Removed:
    return Removed(platform="twitch", author_id=f"twitch:{author}", forget=forget)


def test_the_newest_are_kept_in_order() -> None:
    there = Director()
    for number in range(KEPT + 3):
        there.backlog.put([line(number)], serves=False)
    assert (len(there.backlog), there.backlog.lost, there.texts) == (KEPT, 3, [])
    there.backlog.put([line(999)], serves=True)
    assert there.texts == [*(str(n) for n in range(3, KEPT + 3)), "999"]
    assert len(there.backlog) == 0


def test_lines_that_come_together_leave_in_one_frame() -> None:
    there = Director()
    there.backlog.put([line(n) for n in range(100)], serves=True)
    assert [len(frame.lines) for frame in there.of(ChatLines)] == [100]
    there.backlog.put([], serves=True)
    assert len(there.messages) == 1


def test_a_lost_directors_lines_go_to_the_next_one_once() -> None:
    there = Director()
    there.backlog.put([line(n) for n in range(3)], serves=True)
    there.backlog.taken(["twitch:0"])
    there.backlog.director_lost()
    there.backlog.put([line(3)], serves=False)
    assert there.backlog.flush()
    assert there.texts == ["0", "1", "2", "1", "2", "3"]

    there.backlog.taken(["twitch:1"])
    there.backlog.director_lost()  # lost again: line 2 had its second chance, line 3 has not
    assert there.backlog.flush()
    assert there.texts[6:] == ["3"]
    assert there.backlog.lost == 1


def test_a_refused_send_loses_nothing() -> None:
    there = Director(room=1)
    for number in range(3):
        there.backlog.put([line(number)], serves=True)
    assert there.texts == ["0"]
    there.room = 9
    assert there.backlog.flush()
    assert there.texts == ["0", "1", "2"]


def test_what_was_paid_for_is_lost_last() -> None:
    there = Director()
    there.backlog.put([line(0, paid=5.0), line(1, kind=ChatKind.RAID)], serves=False)
    there.backlog.put([line(n) for n in range(2, KEPT + 50)], serves=False)
    assert (len(there.backlog), there.backlog.lost) == (KEPT, 50)
    assert there.backlog.flush()
    assert there.texts[:3] == ["0", "1", "52"]


def test_of_what_was_paid_for_the_newest_stay() -> None:
    there = Director()
    there.backlog.put([line(n) for n in range(9)], serves=False)
    there.backlog.put([line(n, paid=1.0) for n in range(9, KEPT + 11)], serves=False)
    assert (len(there.backlog), there.backlog.lost) == (KEPT, 11)
    assert there.backlog.flush()
    assert there.texts[0] == "11"


def test_a_slow_director_gets_no_more_than_it_can_take() -> None:
    there = Director()
    for start in range(0, UNDER_WAY + 1000, 8):
        there.backlog.put([line(n) for n in range(start, start + 8)], serves=True)
    assert len(there.texts) == UNDER_WAY
    assert len(there.backlog) == KEPT
    assert there.backlog.lost == 1000 - KEPT
    there.backlog.taken([f"twitch:{n}" for n in range(10)])
    assert not there.backlog.flush()
    assert len(there.texts) == UNDER_WAY + 10


def test_a_director_that_tells_nothing_does_not_stop_chat() -> None:
    there = Director()
    there.backlog.put([line(n) for n in range(UNDER_WAY)], serves=True)
    there.now_s = STALE_S + 1
    there.backlog.put([line(n) for n in range(9000, 9100)], serves=True)
    assert there.texts[-1] == "9099"


def test_a_removal_goes_before_the_lines_and_takes_out_what_waits() -> None:
    there = Director()
    there.backlog.put([line(n, author_id=f"twitch:{n % 2}") for n in range(6)], serves=False)
    there.backlog.remove(by("1", forget=True), serves=False)
    there.backlog.remove(Removed(platform="twitch", message_ids=["twitch:2"]), serves=False)
    assert there.backlog.flush()
    assert [type(message) for message in there.messages] == [Removed, Removed, ChatLines]
    assert there.messages[0] == by("1", forget=True)
    assert there.texts == ["0", "4"]


def test_removals_are_told_at_once_to_a_director_that_serves() -> None:
    there = Director()
    there.backlog.put([line(1)], serves=True)
    there.backlog.remove(by("1"), serves=True)
    assert there.of(Removed) == [by("1")]


def test_what_was_removed_after_it_was_sent_is_not_sent_again() -> None:
    for removed in (
        by("1"),
        Removed(platform="twitch", message_ids=["twitch:1"]),
        Removed(platform="twitch", everything=True),
    ):
        there = Director()
        there.backlog.put(
            [line(1), line(2, platform="youtube", author_id="youtube:1")], serves=True
        )
        there.backlog.remove(removed, serves=True)
        there.messages.clear()
        there.backlog.director_lost()
        assert there.backlog.flush()
        assert there.messages[0] == removed  # the next director may not have heard it
        assert there.texts == ["2"]


def test_an_old_removal_is_not_repeated() -> None:
    """A viewer who was silenced and speaks again must not lose what came after."""
    there = Director()
    there.backlog.remove(by("1"), serves=True)
    there.now_s = REPEATED_S + 1
    there.backlog.director_lost()
    assert there.backlog.flush()
    assert there.of(Removed) == [by("1")]


def test_a_removal_the_socket_does_not_take_is_kept() -> None:
    there = Director(room=0)
    there.backlog.remove(by("1"), serves=True)
    there.backlog.put([line(5)], serves=True)
    there.room = 9
    assert there.backlog.flush()
    assert [type(message) for message in there.messages] == [Removed, ChatLines]


def test_gate_hits_are_told_together() -> None:
    there = Director(room=0)
    assert not there.backlog.flush_hits()
    there.backlog.hit(1, "one")
    there.backlog.hit(2, "two")
    assert not there.backlog.flush_hits()
    there.room = 9
    assert there.backlog.flush_hits()
    assert there.messages == [GateHit(hits=3, why="two")]
    assert not there.backlog.flush_hits()


def test_removals_merge() -> None:
    removals = Removals()
    removals.add(by("1", forget=True))
    removals.add(by("1"))  # the ban before it says more
    removals.add(Removed(platform="twitch", message_ids=["a", "b"]))
    removals.add(Removed(platform="twitch", message_ids=["b", "c"]))
    removals.add(Removed(platform="youtube", message_ids=["a"]))
    assert removals.listing() == [
        by("1", forget=True),
        Removed(platform="twitch", message_ids=["a", "b", "c"]),
        Removed(platform="youtube", message_ids=["a"]),
    ]
    for removed in removals.listing():
        removals.done(removed)
    assert len(removals) == 0


def test_too_many_removals_take_everything_of_the_platform() -> None:
    removals = Removals()
    removals.add(Removed(platform="youtube", message_ids=[str(n) for n in range(MESSAGES + 1)]))
    for number in range(AUTHORS + 1):
        removals.add(by(str(number)))
    removals.add(by("x", forget=True))
    listing = removals.listing()
    assert len(listing) == 2 + AUTHORS
    assert {removed.platform for removed in listing if removed.everything} == {"twitch", "youtube"}
    assert by("x", forget=True) in listing


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 9)),
            st.tuples(st.just("delete"), st.integers(0, 60)),
            st.tuples(st.just("taken"), st.integers(0, 60)),
            st.tuples(st.just("lost"), st.just(0)),
            st.tuples(st.just("serves"), st.integers(0, 1)),
        ),
        max_size=40,
    )
)
def test_whatever_happens_a_removed_line_is_not_sent_and_no_other_is_lost(
    steps: list[tuple[str, int]],
) -> None:
    there = Director()
    serves, number = True, 0
    removed: set[str] = set()
    taken: set[str] = set()
    for step, argument in steps:
        if step == "put":
            there.backlog.put([line(number + n) for n in range(argument)], serves=serves)
            number += argument
        elif step == "delete":
            removed.add(str(argument))
            there.backlog.remove(
                Removed(platform="twitch", message_ids=[f"twitch:{argument}"]), serves=serves
            )
            before = len(there.texts)
            if argument < number:
                there.backlog.flush()
                assert str(argument) not in there.texts[before:]
        elif step == "taken":
            if str(argument) in there.texts:
                taken.add(str(argument))
            there.backlog.taken([f"twitch:{argument}"])
        elif step == "lost":
            there.backlog.director_lost()
        else:
            serves = bool(argument)
    there.backlog.flush()
    numbers = {str(n) for n in range(number)}
    assert numbers - set(there.texts) <= removed
    assert all(there.texts.count(text) <= 2 for text in numbers)
