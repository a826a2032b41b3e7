"""Unit: journal, recorder, notifier, reaper's search, and what the supervisor imports."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from ipc.config import SupervisorSection
from ipc.load import PROJECT_CONFIG
from ipc.protocol import AuditEvent, Message, NoticeEvent
from workers.supervisor import reaper
from workers.supervisor.archive import AUDIT_BYTES, Archive
from workers.supervisor.journal import Journal
from workers.supervisor.notify import Notifier
from workers.supervisor.recorder import Recorder
from workers.supervisor.spawn import environment, interpreter

HEAVY = ("torch", "textual", "numpy", "transformers", "onnxruntime", "lancedb", "pynvml", "psutil")


def test_the_supervisor_imports_nothing_heavy() -> None:
    code = "import sys, workers.supervisor.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & set(HEAVY)


def test_the_reaper_needs_the_standard_library_only() -> None:
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print(len(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code, reaper.__file__],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 80


def test_a_journal_keeps_crashes_and_strips_control_characters(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "tts.log")
    journal.begin("incarnation 1")
    journal.write(b"one\ntw")
    journal.write(b"o \x1b[31mred\nunfinished")
    journal.end()
    assert journal.lines()[1:] == ["one", "two \N{REPLACEMENT CHARACTER}[31mred", "unfinished"]
    assert journal.last_words() == "unfinished"
    journal.begin("incarnation 2")
    assert journal.last_words() == ""
    journal.close()
    assert b"\x1b[31mred" in (tmp_path / "tts.log").read_bytes()


def test_a_journal_is_bounded_on_disk_and_in_memory(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "tts.log")
    for _ in range(200):
        journal.write((b"x" * 65535) + b"\n")
    journal.write(b"y" * 1_000_000)
    journal.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10 * 1024 * 1024
    assert max(map(len, journal.lines())) <= 8192
    assert len(journal.lines()) <= 400


def test_a_full_disk_costs_the_log_file_only(tmp_path: Path) -> None:
    (tmp_path / "tts.log").symlink_to("/dev/full")
    journal = Journal(tmp_path / "tts.log")
    journal.write(b"first\n")
    journal.write(b"second\n")
    assert journal.lines()[0] == "first"
    assert journal.lines()[-1] == "second"
    assert "No space left" in journal.lines()[1]
    journal.close()


def test_a_workers_interpreter_is_relative_to_the_project() -> None:
    assert interpreter("") == sys.executable
    assert interpreter("python3.12") == "python3.12"
    assert interpreter("/opt/python") == "/opt/python"
    assert interpreter(".venv-vllm/bin/python") == str(
        PROJECT_CONFIG.parent / ".venv-vllm/bin/python"
    )


def test_a_worker_inherits_its_own_secrets_only() -> None:
    env = {
        "HOME": "/",
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "SPARK_VTUBER_TWITCH_TOKEN": "abc",
        "SPARK_VTUBER__CHAT__REPLAY": "sample",
    }
    marks = {"SPARK_VTUBER_WORKER": "x"}
    chat = environment(env, "chat", "", marks)
    other = environment(env, "llm", ".venv-vllm/bin/python", marks)
    assert chat["SPARK_VTUBER_TWITCH_TOKEN"] == "abc"
    assert "SPARK_VTUBER_TWITCH_TOKEN" not in other
    assert other["SPARK_VTUBER__CHAT__REPLAY"] == "sample"
    assert other["PYTHONPATH"] == str(PROJECT_CONFIG.parent)
    assert "PYTHONPATH" not in chat
    assert not {"NOTIFY_SOCKET"} & (set(chat) | set(other))


def _audit(number: int) -> AuditEvent:
    return AuditEvent(who="mira", verb="ban", args={"viewer": f"v{number}"}, ok=True, at=1.0)


def test_every_audited_request_is_kept_in_a_private_file(tmp_path: Path) -> None:
    told: list[Message] = []
    settings = SupervisorSection(record=False)
    archive = Archive(tmp_path, settings, told.append)
    archive.take(NoticeEvent(level="info", source="test", text="no request"))
    archive.take(_audit(1))
    archive.close()
    archive = Archive(tmp_path, settings, told.append)  # a later show goes on in the same file
    archive.take(_audit(2))
    archive.close()
    path = tmp_path / "audit.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["args"] for line in lines] == [{"viewer": "v1"}, {"viewer": "v2"}]
    assert not list(tmp_path.glob("recordings/*"))
    with path.open("ab") as file:
        file.truncate(AUDIT_BYTES + 1)
    archive = Archive(tmp_path, settings, told.append)
    archive.take(_audit(3))
    archive.take(_audit(4))
    archive.close()
    assert [json.loads(line)["args"] for line in path.read_text().splitlines()] == [
        {"viewer": "v4"}
    ]
    assert (tmp_path / "audit.1.jsonl").stat().st_size > AUDIT_BYTES
    assert told == []


def test_a_full_disk_ends_recording_and_audit_but_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    told: list[Message] = []
    archive = Archive(tmp_path, SupervisorSection(record=False), told.append)
    archive.take(_audit(1))
    archive.take(_audit(2))
    archive.close()
    (notice,) = told
    assert isinstance(notice, NoticeEvent)
    assert notice.level == "error"
    assert "audit log" in notice.text
    assert str(tmp_path) in notice.hint


def test_recordings_rotate_are_private_and_parse(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rec", file_mb=0.001, files=3, clock=lambda: 1000.5)
    for number in range(100):
        recorder.write(NoticeEvent(level="info", source="test", text=f"line {number} ✨"))
    recorder.close()
    files = sorted((tmp_path / "rec").iterdir())
    assert len(files) == 3
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert lines[-1] == {
        "t": 1000.5,
        "event": {
            "type": "NoticeEvent", "level": "info", "source": "test", "text": "line 99 ✨",
        },
    }  # fmt: skip


def test_systemd_is_told_and_workers_do_not_inherit_its_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(5)
        env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "HOME": "/"}
        notifier = Notifier(env)
        assert env == {"HOME": "/"}
        assert notifier.watchdog_s == 30
        notifier.ready()
        notifier.status("on_air")
        notifier.status("on_air")
        notifier.watchdog()
        notifier.stopping()
        heard = [systemd.recv(100).decode() for _ in range(4)]
        assert heard == ["READY=1", "STATUS=on_air", "WATCHDOG=1", "STOPPING=1"]
        notifier.close()
        notifier.ready()


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.watchdog()
    notifier.close()


def test_the_search_finds_a_token_and_a_session_but_not_zombies() -> None:
    code = "import signal; signal.pause()"
    mark = f"{reaper.TOKEN_VARIABLE}=search-test-{os.getpid()}"
    env = dict([mark.split("=")])
    marked = subprocess.Popen([sys.executable, "-S", "-c", code], env=env)
    leader = subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True, env={})
    try:
        assert reaper.find([mark.encode()], {leader.pid}) == sorted([marked.pid, leader.pid])
        assert reaper.kill([mark.encode()], {leader.pid}) == 2
        os.waitid(os.P_PID, marked.pid, os.WEXITED | os.WNOWAIT)
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        assert reaper.find([mark.encode()], {leader.pid}) == []
    finally:
        marked.kill()
        leader.kill()
        marked.wait()
        leader.wait()
