"""What is kept of the events: the recordings, and the audit log.

``STATE/audit.jsonl`` holds every operator request that changes something, one AuditEvent a
line: who, what, when, and whether it was carried out. Unlike recordings it does not go when
chat is busy; beyond AUDIT_BYTES the file before it is replaced.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from ipc.config import SupervisorSection
from ipc.protocol import AuditEvent, Message, NoticeEvent
from workers.supervisor.recorder import Recorder

AUDIT_BYTES = 16 * 1024 * 1024


class Archive:
    """Takes every event. A full disk ends what cannot be written any more, not the show."""

    def __init__(
        self, state_dir: Path, settings: SupervisorSection, publish: Callable[[Message], None]
    ) -> None:
        self._state_dir = state_dir
        self._publish = publish
        self._audit_path = state_dir / "audit.jsonl"
        self._audit: BinaryIO | None = None
        self._audit_told = False
        self._recorder: Recorder | None = None
        if settings.record:
            self._recorder = Recorder(
                state_dir / "recordings", settings.record_file_mb, settings.record_files
            )

    def take(self, event: Message) -> None:
        """Write one event."""
        if isinstance(event, AuditEvent):
            self._write_audit(event)
        if self._recorder is not None:
            try:
                self._recorder.write(event)
            except OSError as error:
                self._lose_recorder(error)

    def flush(self) -> None:
        """Recordings are buffered; call this now and then."""
        if self._recorder is not None:
            try:
                self._recorder.flush()
            except OSError as error:
                self._lose_recorder(error)

    def close(self) -> None:
        if self._recorder is not None:
            with contextlib.suppress(OSError):  # a full disk: what comes next must be closed too
                self._recorder.close()
        if self._audit is not None:
            self._audit.close()

    def _write_audit(self, event: AuditEvent) -> None:
        try:
            if self._audit is not None and self._audit.tell() > AUDIT_BYTES:
                self._audit.close()
                self._audit = None
                os.replace(self._audit_path, self._audit_path.with_suffix(".1.jsonl"))
            if self._audit is None:
                self._audit = open(  # noqa: SIM115 - closed by close()
                    self._audit_path, "ab", buffering=0, opener=_private
                )
            self._audit.write(msgspec.json.encode(event) + b"\n")
        except OSError as error:
            if not self._audit_told:  # said once: the next request would fail the same way
                self._audit_told = True
                self._tell(f"the audit log is not written: {error.strerror}", self._audit_path)

    def _lose_recorder(self, error: OSError) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            with contextlib.suppress(OSError):
                recorder.close()
        self._tell(f"recording ended: {error.strerror}", self._state_dir / "recordings")

    def _tell(self, text: str, place: Path) -> None:
        hint = f"make room in {place.parent} and start the show again"
        self._publish(
            NoticeEvent(level="error", source="supervisor", text=text, hint=hint, at=time.time())
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
