"""chat: what is said about lines that wait, once each."""

from __future__ import annotations

from typing import Any

from test_chat_backlog import Director, line

from workers.chat.backlog import KEPT, UNDER_WAY
from workers.chat.reports import TOLD_S, Waiting


class Log:
    """A backlog before a director, and what is said about it."""

    def __init__(self) -> None:
        self.there = Director()
        self.texts: list[str] = []
        self._waiting = Waiting(lambda _level, text, _hint: self.texts.append(text))
        self.now_s = 1000.0
        self._number = 0

    def put(self, count: int, *, serves: bool, **fields: Any) -> list[str]:
        lines = [line(self._number + n, **fields) for n in range(count)]
        self._number += count
        self.there.backlog.put(lines, serves=serves)
        return self.tell(serves=serves)

    def tell(self, *, serves: bool) -> list[str]:
        self._waiting.tell(self.there.backlog, self.now_s, serves=serves)
        said, self.texts = self.texts, []
        return said

    def back(self) -> list[str]:
        self._waiting.begin(len(self.there.backlog))
        return self.put(0, serves=True)


def test_an_absence_is_told_once() -> None:
    log = Log()
    assert log.put(0, serves=False) == []
    assert "chat lines wait" in log.put(1, serves=False)[0]
    assert log.put(KEPT - 1, serves=False) == []
    assert "now lost" in log.put(5, serves=False)[0]
    assert log.put(5, serves=False) == []
    assert log.back() == [
        f"{KEPT} chat lines waited for the director and went on, 10 older ones were lost"
    ]
    assert log.put(1, serves=True) == []
    assert "chat lines wait" in log.put(1, serves=False)[0]
    assert log.back() == ["1 chat line waited for the director and went on"]


def test_what_a_slow_director_cannot_take_is_told_once_a_minute() -> None:
    log = Log()
    assert log.put(UNDER_WAY, serves=True) == []
    assert log.put(KEPT, serves=True) == []
    assert log.put(7, serves=True) == [
        "more chat comes than the director takes: lines were lost (7)"
    ]
    assert log.put(8, serves=True) == []
    assert log.put(9, serves=True) == []
    log.now_s += TOLD_S
    assert log.tell(serves=True) == [
        "more chat comes than the director takes: lines were lost (17)"
    ]


def test_catching_up_may_take_longer() -> None:
    log = Log()
    log.put(UNDER_WAY, serves=True)
    log.put(20, serves=False)
    assert log.back() == []  # as much is under way as may be
    log.there.backlog.taken([f"twitch:{n}" for n in range(UNDER_WAY)])
    assert log.put(0, serves=True) == ["20 chat lines waited for the director and went on"]
