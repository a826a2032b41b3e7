"""What is known of the viewers seen lately. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

KNOWN = 2_000  # viewers; with everything about 12 MB
_LINES = 20
_LINE_CHARS = 160
_NAMES = 5
_HITS = 5


# plain tuples of plain values: the garbage collector leaves 40,000 of these alone
Said = tuple[str, str, float]  # id of the line, text, when
Hit = tuple[str, float]  # what the gate found, when


@dataclass(slots=True)
class Viewer:
    """One viewer of one platform. Times are wall-clock seconds."""

    id: str
    name: str
    login: str
    first_seen: float
    last_seen: float = 0.0
    lines: int = 0
    hits: int = 0
    names: list[str] = field(default_factory=list)  # earlier ones, newest last
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=_LINES))
    found: deque[Hit] = field(default_factory=lambda: deque(maxlen=_HITS))
    alarmed_ns: int | None = None

    def wrote(self, message_id: str, text: str, at: float) -> None:
        """A line of theirs was let in or stopped."""
        self.lines += 1
        self.said.append((message_id, text[:_LINE_CHARS], at))

    def hit(self, why: str, at: float) -> None:
        """The gate found something in it."""
        self.hits += 1
        self.found.append((why, at))

    def alarms(self, now_ns: int, window_ns: int) -> bool:
        """Whether a stopped line is to make the show careful: one troublemaker alone must not
        be able to, so each viewer counts once in a while."""
        if self.alarmed_ns is not None and now_ns - self.alarmed_ns < window_ns:
            return False
        self.alarmed_ns = now_ns
        return True


class Viewers:
    """The KNOWN that wrote last."""

    def __init__(self, size: int = KNOWN) -> None:
        self._size = size
        self._viewers: OrderedDict[str, Viewer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._viewers)

    def get(self, author_id: str) -> Viewer | None:
        return self._viewers.get(author_id)

    def meet(self, author_id: str, name: str, login: str, at: float) -> Viewer:
        """This viewer writes now."""
        viewer = self._viewers.get(author_id)
        if viewer is None:
            viewer = self._viewers[author_id] = Viewer(author_id, name, login, at)
            if len(self._viewers) > self._size:
                self._viewers.popitem(last=False)
        else:
            self._viewers.move_to_end(author_id)
            if viewer.name != name:
                viewer.names = [*(n for n in viewer.names if n != name), viewer.name][-_NAMES:]
                viewer.name = name
        viewer.login = login
        viewer.last_seen = at
        return viewer

    def __iter__(self) -> Iterator[Viewer]:
        return iter(self._viewers.values())
