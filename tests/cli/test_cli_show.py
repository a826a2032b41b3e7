"""cli: the commands against a running scripted show."""

import json
import wave

import pytest
from cli_place import refused

from ipc.config import WORKERS
from ipc.errors import EXIT_CANNOT_CREATE, EXIT_FAILURE, EXIT_USAGE
from tui.start import is_running


def answered(done) -> dict:
    """The JSON of a command that worked."""
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


@pytest.fixture(scope="module", autouse=True)
def warm(on_air):
    """A line sent while the show starts waits for it, and is answered."""
    answered(on_air.run("ask", "are you there", "--json"))


def test_status_as_json_is_stable(on_air):
    status = answered(on_air.run("status", "--json"))
    assert set(status) >= {"show", "workers", "turns", "spans_ms", "memory"}
    assert set(status["workers"]) == set(WORKERS)
    for worker in status["workers"].values():
        keys = {"state", "pid", "incarnation", "restarts", "memory_mb", "budget_mb", "cpu_percent"}
        assert set(worker) >= keys
    assert status["show"]["persona"] == "nova"


def test_status_is_readable(on_air):
    done = on_air.run("status")
    assert done.returncode == 0
    assert "ON AIR" in done.stdout
    for worker in WORKERS:
        assert worker in done.stdout
    assert "chat_to_audio p50" in done.stdout


def test_ask_says_what_was_heard(on_air):
    answer = answered(on_air.run("ask", "tell me something", "--from", "Ada", "--json"))
    assert set(answer) == {
        "turn",
        "reply",
        "outcome",
        "reason",
        "spans_ms",
        "audio_s",
        "persona",
        "wav",
    }
    assert answer["outcome"] == "played"
    assert answer["reply"]
    assert answer["audio_s"] > 0
    assert answer["spans_ms"]["chat_to_audio"] > 0


def test_ask_writes_the_sound(on_air):
    path = on_air.root / "reply.wav"
    answer = answered(on_air.run("ask", "sing", "--wav", str(path), "--json"))
    assert answer["wav"] == str(path)
    with wave.open(str(path)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert seconds == pytest.approx(answer["audio_s"], abs=0.1)


def test_ask_for_people(on_air):
    done = on_air.run("ask", "hello")
    assert done.returncode == 0
    assert "first sound after" in done.stdout


def test_an_unwritable_wav_is_told_before_anything_is_said(on_air):
    before = answered(on_air.run("status", "--json"))["turns"]
    for path in ("/nowhere/a.wav", "/proc/a.wav", str(on_air.root)):
        refused(on_air.run("ask", "hi", "--wav", path), EXIT_CANNOT_CREATE, path)
    assert answered(on_air.run("status", "--json"))["turns"] == before


@pytest.mark.parametrize("text", ["", "   ", "\x1b\x07", "\n\t"])
def test_an_empty_line_is_refused(on_air, text):
    refused(on_air.run("ask", text), EXIT_USAGE, "empty")


@pytest.mark.parametrize(
    "text",
    [
        "tell me more about the sea " * 4_000,
        "\x1b[31mred\x1b[0m \x07bell",
        "[bold red]markup[/] [/]",
        "bytes \udcff\udcfe that are no text",
        "--json",
        "\U0001f469\u200d\U0001f467 \u202eright to left",
    ],
)
def test_strange_lines_are_answered(on_air, text):
    answer = answered(on_air.run("ask", "--json", "--", text))
    assert answer["outcome"] == "played"


def test_a_line_the_gate_stops_is_told_so(on_air):
    refused(on_air.run("ask", "x" * 100_000), EXIT_FAILURE, "the line was stopped", "the gate")


def test_ctl_steers(on_air):
    assert answered(on_air.run("ctl", "hold", "--json"))["result"]["held"]
    assert answered(on_air.run("status", "--json"))["show"]["held"]
    assert not answered(on_air.run("ctl", "release", "--json"))["result"]["held"]


def test_ctl_takes_the_rest_of_the_line(on_air):
    done = on_air.run("ctl", "say", "one", "two", "three", "--json")
    assert answered(done)["result"]["turn"] > 0


def test_ctl_refusals_fail(on_air):
    refused(on_air.run("ctl", "persona", "nobody"), EXIT_FAILURE, "nobody")
    done = on_air.run("ctl", "persona", "nobody", "--json")
    assert done.returncode == EXIT_FAILURE
    assert json.loads(done.stdout)["ok"] is False


def test_logs(on_air):
    done = on_air.run("logs", "supervisor")
    assert done.returncode == 0
    assert "stage ready" in done.stdout
    assert on_air.run("logs", "llm").returncode == 0


def test_doctor_sees_the_running_show(on_air):
    findings = answered(on_air.run("doctor", "--json"))
    assert {"check": "show", "level": "info"}.items() <= next(
        f for f in findings if f["check"] == "show"
    ).items()
    assert not [f for f in findings if f["level"] == "fail"]


def test_z_stop_waits_until_it_is_gone(on_air):
    done = on_air.run("stop")
    assert done.returncode == 0, done.stderr
    assert not is_running(on_air.show())
