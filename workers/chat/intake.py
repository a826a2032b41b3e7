"""What becomes of one line: cleaned, judged, numbered; let through or stopped. Pure."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ipc.protocol import ChatMessage
from ipc.states import ChatKind, Role, TurnOutcome
from workers.chat.clean import clean, clean_author
from workers.chat.effort import Effort
from workers.chat.ids import author_id, message_id
from workers.chat.input_gate import InputGate
from workers.chat.ledger import Ledger, Place
from workers.chat.platform import CONSOLE, Line
from workers.chat.standing import Standing
from workers.chat.viewers import Viewer, Viewers
from workers.gate import Verdict

_NOTICE_CHARS = 200
_PAID_CHARS = 40
_MOST_PAID = 1e6  # dollars
_MOST_COUNT = 10**9
TOO_BUSY = "chat was too busy to read a line this long"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A line that is shown. With an ``outcome`` it goes no further, for ``reason``."""

    message: ChatMessage
    outcome: TurnOutcome | None = None
    reason: str = ""
    hit: str = ""  # what the gate stopped it for, if that is to make the show careful
    cut: bool = False
    own: bool = False  # our own account wrote it

    @property
    def passes(self) -> bool:
        return self.outcome is None and not self.own


@dataclass(slots=True)
class _Found:
    """What is decided about a text so far."""

    text: str
    outcome: TurnOutcome | None = None
    reason: str = ""
    hit: str = ""
    held_why: str = ""


class Intake:
    """Everything that is remembered about lines and viewers is told here."""

    def __init__(
        self,
        max_chars: int,
        gate: InputGate,
        standing: Standing,
        viewers: Viewers,
        ledger: Ledger,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self._effort = Effort(at_s=clock())
        self._max_chars = max_chars
        self._gate = gate
        self._standing = standing
        self._viewers = viewers
        self._ledger = ledger

    def take(self, line: Line, at: float, now_ns: int, *, own: bool = False) -> Arrival | str:
        """The arrival, or why there is nothing to show: it is empty, came before or was
        deleted. ``at`` is wall-clock time."""
        platform = line.platform
        if line.id:
            show_id = message_id(platform, line.id)
            if self._ledger.came(platform, show_id):
                return "the line came before"
            if self._ledger.is_removed(platform, show_id, line.delete_id):
                return "the line was deleted before it came"
        else:
            show_id = f"{platform}:{uuid.uuid4().hex[:16]}"
        cleaned = clean(line.text, self._max_chars)
        kind, notice = line.kind, line.notice
        if not cleaned.text and kind is ChatKind.LINE:
            if not line.paid > 0:
                return "the line is empty"
            kind, notice = ChatKind.OTHER, notice or f"{line.author} paid {line.paid_text}"
        name = clean_author(line.author or line.login)
        who = author_id(platform, line.author_id or name)
        viewer = self._viewers.meet(who, name, clean_author(line.login, ""), at)
        viewer.wrote(show_id, cleaned.text, at)
        self._ledger.add(show_id, Place(platform, line.delete_id or line.id, viewer.id))
        trusted = self._standing.knows(viewer.id) and self._standing.get(viewer.id).trusted
        found = _Found(cleaned.text)
        if silent := self._standing.why_silent(viewer.id):
            found.outcome, found.reason = TurnOutcome.REMOVED, silent
        elif not own:
            urgent = line.paid > 0 or platform == CONSOLE or trusted
            self._judge(found, kind, viewer, at, now_ns, trusted=trusted, urgent=urgent)
        message = ChatMessage(
            id=show_id,
            platform=platform,
            author=self._gate.name(name),
            author_id=viewer.id,
            text=found.text,
            received_ns=line.received_ns if 0 < line.received_ns <= now_ns else now_ns,
            at=at,
            kind=kind,
            count=min(max(line.count, 0), _MOST_COUNT),
            notice=self._notice(notice, now_ns) if notice else "",
            roles=[*line.roles, Role.TRUSTED] if trusted else list(line.roles),
            first=line.first,
            paid=line.paid if 0 <= line.paid <= _MOST_PAID else 0.0,
            paid_text=clean(line.paid_text, _PAID_CHARS).text if line.paid_text else "",
            reply_to=self._gate.name(clean_author(line.reply_to)) if line.reply_to else "",
            emotes_only=line.emotes_only,
            held_why=found.held_why,
        )
        return Arrival(message, found.outcome, found.reason, found.hit, cleaned.cut, own)

    def _judge(
        self,
        found: _Found,
        kind: ChatKind,
        viewer: Viewer,
        at: float,
        now_ns: int,
        *,
        trusted: bool,
        urgent: bool,
    ) -> None:
        if not found.text:
            return
        began_s = self._clock()
        if not (self._effort.affords(len(found.text), began_s) or urgent):
            found.outcome, found.reason = TurnOutcome.SHED, TOO_BUSY
            return
        judged = self._gate.line(found.text, trusted=trusted, now_ns=now_ns)
        self._effort.spent(self._clock() - began_s)
        if judged.verdict is Verdict.ALLOW:
            return
        viewer.hit(judged.why, at)
        if judged.verdict is Verdict.MASK:
            found.text = judged.text
        elif judged.verdict is Verdict.HOLD:
            found.text, found.held_why = judged.text, judged.why
        else:
            if viewer.alarms(now_ns, self._gate.window_ns):
                found.hit = judged.why
            if kind is ChatKind.LINE:
                found.outcome, found.reason = TurnOutcome.BLOCKED, f"the gate: {judged.why}"
            else:
                found.text = ""  # a sub or a raid happened, whatever was written with it

    def _notice(self, raw: str, now_ns: int) -> str:
        text = clean(raw, _NOTICE_CHARS).text
        return self._gate.line(text, trusted=False, now_ns=now_ns).text if text else ""
