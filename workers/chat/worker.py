"""The chat worker: platforms in, judged lines to the director, deeds of moderators out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from ipc.errors import ConfigError, RequestFailed
from ipc.protocol import ChatMessage, ChatRemovedEvent, Command, Message, Peer, Removed, Taken
from workers.chat.backlog import Backlog
from workers.chat.clean import clean_author
from workers.chat.deeds import Deeds, send
from workers.chat.input_gate import InputGate
from workers.chat.intake import Arrival, Intake
from workers.chat.ledger import Ledger
from workers.chat.moderation import Moderation, Told, removed_by
from workers.chat.platform import CONSOLE, Line, Platform, Removal
from workers.chat.reports import TOLD_S, Screen, Throttle, Waiting
from workers.chat.sources import Source, configured
from workers.chat.standing import FILE, Standing, StandingFile, read
from workers.chat.viewers import Viewers
from workers.runtime import Link, Worker

_TICK_S = 1.0
_TOLD_AGAIN = 20  # the newest bans and timeouts: what came right before the end, at 2 ms each
_HITS_S = 0.3  # between two GateHits


class ChatWorker(Worker):
    """Console and every configured platform. Also the Listener of their Sources."""

    name = "chat"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        director = link.peers.get("director")
        self._director = director.incarnation if director is not None else 0
        self._backlog = Backlog(lambda message: link.send("director", message))
        self._waiting = Waiting(link.notice)
        self._screen = Screen(link.publish, link.notice)
        self._cut = Throttle(TOLD_S)
        self._gate = InputGate(link.config.gate)
        self._standing = Standing()
        self._viewers = Viewers()
        self._ledger = Ledger()
        self._intake = Intake(
            link.config.chat.max_chars, self._gate, self._standing, self._viewers, self._ledger
        )
        self._file = StandingFile(link.state_dir / FILE, self._standing)
        self._platforms: dict[str, Platform] = {}
        self._deeds = Deeds(self._platforms)
        self._moderation = Moderation(
            self._standing,
            self._file,
            self._viewers,
            self._ledger,
            self._platforms,
            self._deeds,
            Told(self._removed, link.notice),
        )
        self._sources: list[Source] = []
        self._hits_ns = 0

    async def load(self) -> dict[str, str]:
        """Open the platforms. Raises ConfigError for settings that cannot be used."""
        config = self.link.config.chat
        await self._read_standing()
        self._pass_on([], time.monotonic_ns())
        self._gate.refresh(time.monotonic_ns())
        for platform in await configured(config, self.link.state_dir, self.notice):
            self._platforms[platform.name] = platform
        for platform in self._platforms.values():
            source = Source(
                platform,
                self,
                retry_base_s=config.retry_base_s,
                retry_max_s=config.retry_max_s,
            )
            self._sources.append(source)
            self.link.spawn(source.run(), platform.name)
        self.problems_changed()
        self.link.spawn(self._ticking(), "tick")
        return {"platforms": ", ".join(self._platforms)}

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002 none has one
        if isinstance(message, Taken):
            self._backlog.taken(message.message_ids)
            if len(self._backlog) and self.link.serves("director"):
                self._backlog.flush()

    def peer_changed(self, peer: Peer) -> None:
        if peer.name != "director":
            return
        if peer.incarnation != self._director:
            self._director = peer.incarnation
            self._backlog.director_lost()
        if peer.state.serves:
            self._catch_up()

    async def command(self, command: Command) -> Any:
        if command.verb == "chat":
            return {"message_id": self._typed(command).id}
        if command.verb == "send":
            return await send(command.args, self._platforms, self._deeds, self._ledger)
        if self._moderation.knows(command.verb):
            result = await self._moderation.carry_out(command)
            self.problems_changed()
            return result
        return await super().command(command)

    async def drain(self) -> None:
        self._catch_up()
        await self._file.save()

    # --- what platforms tell (sources.Listener) ---

    def arrived(self, platform: Platform, lines: Sequence[Line]) -> None:
        """Lines that came together go to the director together."""
        ourselves = platform.self_id
        now_ns, at = time.monotonic_ns(), time.time()
        if self._gate.refresh(now_ns):
            self.problems_changed()
        passing: list[ChatMessage] = []
        for line in lines:
            own = bool(ourselves) and line.author_id == ourselves
            arrival = self._intake.take(line, at, now_ns, own=own)
            if not isinstance(arrival, str):
                self._note(arrival, len(line.text), now_ns)
                if arrival.passes:
                    passing.append(arrival.message)
        self._pass_on(passing, now_ns)

    def taken_back(self, platform: Platform, removal: Removal) -> None:
        """Nothing of it may be heard any more."""
        self._moderation.platform_removed(platform.name, removal)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.link.notice(level, text, hint)

    def problems_changed(self) -> None:
        """What any part misses makes the worker degraded."""
        problems = [f"{s.platform.name}: {s.trouble}" for s in self._sources if s.trouble]
        problems += [text for text in (self._gate.problem, self._file.problem) if text]
        self.link.problem = "; ".join(problems)

    # --- inside ---

    async def _read_standing(self) -> None:
        path = self.link.state_dir / FILE
        try:
            marks, said = await asyncio.to_thread(read, path)
        except OSError as error:
            raise ConfigError(
                f"{path} can be neither read nor set aside: {error.strerror}",
                "it says who is banned; mend it or move it away",
            ) from None
        for mark in marks:
            self._standing.put(mark)
        if said:
            self.link.notice("error", said, "bans and trust have to be given again")
        # whoever ran before may have ended with the decision on disk and the director untold
        silent = [mark for mark in self._standing.listing() if mark.banned or mark.until]
        for mark in silent[-_TOLD_AGAIN:]:
            self._backlog.remove(removed_by(mark), serves=False)

    def _typed(self, command: Command) -> ChatMessage:
        """A line of the console; whoever typed it is told why it goes no further."""
        now_ns = time.monotonic_ns()
        self._gate.refresh(now_ns)
        author = clean_author(str(command.args.get("author") or ""))
        line = Line(
            platform=CONSOLE,
            author=author,
            author_id=author,
            text=str(command.args.get("text", "")),
            received_ns=command.sent_ns,
        )
        arrival = self._intake.take(line, time.time(), now_ns)
        if isinstance(arrival, str):
            raise RequestFailed(arrival, "type some text")
        self._note(arrival, len(line.text), now_ns)
        if arrival.outcome is not None:
            self._pass_on([], now_ns)
            raise RequestFailed(f"the line was stopped: {arrival.reason}")
        self._pass_on([arrival.message], now_ns)
        return arrival.message

    def _note(self, arrival: Arrival, length: int, now_ns: int) -> None:
        now_s = now_ns / 1e9
        self._screen.show(arrival, now_s)
        if arrival.hit:
            self._backlog.hit(1, arrival.hit)
        if arrival.cut and (cut := self._cut.happened(now_s)):
            limit = self.link.config.chat.max_chars
            more = f" ({cut} since the last notice)" if cut > 1 else ""
            self.link.notice(
                "info", f"a line of {length} characters was cut to {limit} (chat.max_chars){more}"
            )

    def _pass_on(self, lines: Sequence[ChatMessage], now_ns: int) -> None:
        serves = self.link.serves("director")
        self._backlog.put(lines, serves=serves)
        if serves and now_ns - self._hits_ns >= _HITS_S * 1e9 and self._backlog.flush_hits():
            self._hits_ns = now_ns
        self.link.progressed()
        self._waiting.tell(self._backlog, now_ns / 1e9, serves=serves)

    def _removed(self, removed: Removed) -> None:
        self._backlog.remove(removed, serves=self.link.serves("director"))
        self.link.publish(
            ChatRemovedEvent(
                platform=removed.platform,
                message_ids=removed.message_ids,
                author_id=removed.author_id,
                everything=removed.everything,
                reason=removed.reason,
                at=time.time(),
            )
        )

    def _catch_up(self) -> None:
        self._waiting.begin(len(self._backlog))
        self._pass_on([], time.monotonic_ns())

    async def _ticking(self) -> None:
        """Once a second: lists that changed, and whatever could not be done before."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_ns = time.monotonic_ns()
            self._gate.refresh(now_ns)
            self._pass_on([], now_ns)
            self._screen.tick(now_ns / 1e9)
            if self._file.due:
                await self._file.save()
            self.problems_changed()
