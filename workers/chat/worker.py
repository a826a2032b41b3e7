"""The chat worker: every line cleaned, numbered, announced and handed to the director."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Sequence
from typing import Any

from ipc.errors import RequestFailed
from ipc.protocol import ChatEvent, ChatLines, ChatMessage, Command, Message, Peer, Taken
from workers.chat.backlog import KEPT, Backlog
from workers.chat.clean import clean, clean_author
from workers.chat.platform import Line, Platform, Removal
from workers.chat.replay import Replay, read_replay
from workers.runtime import Link, Worker

CONSOLE = "console"
CUT_TOLD_S = 60.0  # one viewer with long lines must not fill the log and hide what matters


class ChatWorker(Worker):
    """Console and every configured platform."""

    name = "chat"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._backlog = Backlog(lambda message: link.send("director", ChatLines(lines=[message])))
        self._waiting_told = False
        director = link.peers.get("director")
        self._director = director.incarnation if director is not None else 0
        self._cut = 0  # lines cut since that was last said
        self._cut_told_s = -math.inf

    async def load(self) -> dict[str, str]:
        """Open the platforms. Raises ConfigError for a chat file that cannot be used."""
        config = self.link.config.chat
        platforms: list[Platform] = []
        if config.replay:
            lines, bad = await asyncio.to_thread(read_replay, config.replay)
            if bad:
                self.link.notice(
                    "warning",
                    f"skipped in the chat file {config.replay}: {len(bad)} "
                    f"{'line' if len(bad) == 1 else 'lines'}, first line {bad[0]}",
                    'a line looks like {"at": 1.5, "author": "mira", "text": "hello"}',
                )
            platforms.append(Replay(lines, speed=config.replay_speed, loop=config.replay_loop))
        for platform in platforms:
            self.link.spawn(platform.run(self), platform.name)
        return {"platforms": ", ".join([CONSOLE, *(platform.name for platform in platforms)])}

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002
        if isinstance(message, Taken):
            for message_id in message.message_ids:
                self._backlog.taken(message_id)

    def peer_changed(self, peer: Peer) -> None:
        if peer.name != "director":
            return
        if peer.incarnation != self._director:
            self._director = peer.incarnation
            self._backlog.again()
        if peer.state.serves:
            self._catch_up()

    async def command(self, command: Command) -> Any:
        if command.verb != "chat":
            return await super().command(command)
        author = clean_author(str(command.args.get("author") or ""))
        line = Line(
            platform=CONSOLE,
            author=author,
            author_id=author,
            text=str(command.args.get("text", "")),
            received_ns=command.sent_ns,
        )
        message = self._deliver(line)
        if message is None:
            raise RequestFailed("the line is empty", "type some text")
        return {"message_id": message.id}

    async def drain(self) -> None:
        self._catch_up()

    # --- what a platform tells (platform.Feed) ---

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self._deliver(line)

    def removed(self, removal: Removal) -> None:
        """Nothing of it may be heard any more."""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.link.notice(level, text, hint)

    def problem(self, text: str) -> None:
        self.link.problem = text

    def _deliver(self, line: Line) -> ChatMessage | None:
        """Clean and send; None if nothing of the line is left."""
        limit = self.link.config.chat.max_chars
        cleaned = clean(line.text, limit)
        author = clean_author(line.author)
        if not cleaned.text:
            return None
        if cleaned.cut:
            self._tell_cut(len(line.text), limit, time.monotonic())
        message = ChatMessage(
            id=uuid.uuid4().hex[:16],
            platform=line.platform,
            author=author,
            author_id=f"{line.platform}:{line.author_id}"[:128],
            text=cleaned.text,
            received_ns=line.received_ns or time.monotonic_ns(),
            at=time.time(),
        )
        self.link.publish(
            ChatEvent(
                id=message.id,
                platform=message.platform,
                author=author,
                text=message.text,
                at=message.at,
            )
        )
        self._backlog.put(message, serves=self.link.serves("director"))
        self.link.progressed()
        if self._backlog.lost == 1 or (len(self._backlog) == 1 and not self._waiting_told):
            self._tell_waiting()
        return message

    def _tell_cut(self, length: int, limit: int, now_s: float) -> None:
        self._cut += 1
        if now_s - self._cut_told_s < CUT_TOLD_S:
            return
        more = f" ({self._cut} since the last notice)" if self._cut > 1 else ""
        self._cut, self._cut_told_s = 0, now_s
        self.link.notice(
            "info", f"a line of {length} characters was cut to {limit} (chat.max_chars){more}"
        )

    def _tell_waiting(self) -> None:
        self._waiting_told = True
        lost = " and the oldest are now lost" if self._backlog.lost else ""
        self.link.notice(
            "warning",
            f"the director is away: chat lines wait (the newest {KEPT}){lost}",
            "spark-tui status shows what it is doing",
        )

    def _catch_up(self) -> None:
        waiting, lost = len(self._backlog), self._backlog.lost
        if self._backlog.flush() and waiting:
            self._waiting_told = False
            self._backlog.lost = 0
            dropped = f", {lost} older ones were lost" if lost else ""
            self.link.notice("info", f"{waiting} chat lines that waited were delivered{dropped}")
