"""The pure parts: messages, errors, parameters, pacing, what is told, where it is heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from avatar_rig import Ears
from hypothesis import given
from hypothesis import strategies as st

from ipc.errors import ConfigError
from workers.avatar.discovery import STALE_S, Discovery
from workers.avatar.faces import told
from workers.avatar.pacing import Pacer
from workers.avatar.report import Report
from workers.avatar.settings import DRIVES, Drive, VtsSettings
from workers.avatar.values import VALUES
from workers.avatar.vts_errors import ERRORS, explain
from workers.avatar.vts_parameters import Parameters, Track, parameters
from workers.avatar.vts_protocol import (
    ApiState,
    InputParameter,
    Malformed,
    answer,
    broadcast,
    decode,
    encode,
    refusal,
)
from workers.face import EXPRESSIONS, Animator


def envelope(kind: str, data: Any, request_id: str = "x") -> bytes:
    return json.dumps({"messageType": kind, "requestID": request_id, "data": data}).encode()


# --- messages ---


def test_a_request_has_what_the_api_wants() -> None:
    assert json.loads(encode("APIState", "call-1")) == {
        "apiName": "VTubeStudioPublicAPI",
        "apiVersion": "1.0",
        "requestID": "call-1",
        "messageType": "APIStateRequest",
        "data": {},
    }


@given(st.binary() | st.text())
def test_no_bytes_raise(data: bytes | str) -> None:
    decode(data)
    broadcast(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_data_raises_but_malformed(data: Any) -> None:
    for kind in ("APIError", "APIStateResponse", "VTubeStudioAPIStateBroadcast"):
        read = decode(envelope(kind, data))
        if read is not None:
            refusal(read)
            with contextlib.suppress(Malformed):
                answer(read.data, ApiState)
        broadcast(envelope(kind, data))


def test_every_error_has_a_sentence_and_a_mend() -> None:
    for code in (*ERRORS, 999, -1, 100_000, 10**12):
        text, hint = explain(code, "some words")
        assert text
        assert text[-1] not in ".!"
        assert hint
    assert "some words" in explain(999, "some words")[0]
    for code in (1, 8, 50, 51, 152, 153, 200, 201, 202, 203, 205, 352, 355, 356, 453, 454, 651):
        assert code in ERRORS


def test_words_of_the_application_fit_one_line() -> None:
    read = decode(envelope("APIError", {"errorID": 777, "message": "a\x1b[2J\nb" + "c" * 999}))
    assert read is not None
    refused = refusal(read)
    assert refused is not None
    assert refused.text.isprintable()
    assert len(refused.text) < 200


# --- parameters ---


@pytest.mark.parametrize(
    ("low", "high", "value", "at"),
    [
        (0, 1, "mouth_open", {0.0: 0.0, 1.0: 1.0}),
        (-30, 30, "head_yaw", {-1.0: -30.0, 0.0: 0.0, 1.0: 30.0}),
        (0, 1, "brow", {-1.0: 0.0, 0.0: 0.5, 1.0: 1.0}),
        (-10, 10, "mouth_open", {0.0: 0.0, 1.0: 10.0}),
        (2, 4, "mouth_open", {0.0: 2.0, 1.0: 4.0}),
        (4, 2, "mouth_open", {0.0: 2.0, 1.0: 4.0}),
        (5, 5, "mouth_open", {0.0: 0.0, 1.0: 1.0}),
        (0, float("inf"), "mouth_open", {1.0: 1.0}),
        (0, 1e300, "mouth_open", {1.0: 1e6}),
    ],
)
def test_values_are_laid_over_ranges(
    low: float, high: float, value: str, at: dict[float, float]
) -> None:
    track = Track.over(Drive(value), InputParameter("P", low, high))
    for given_value, wanted in at.items():
        assert track.at(given_value) == pytest.approx(wanted)


@given(
    st.floats() | st.integers(),
    st.floats() | st.integers(),
    st.sampled_from(sorted(VALUES)),
    st.floats(),
    st.floats(min_value=-2, max_value=2),
)
def test_whatever_comes_in_vtube_studio_can_take_what_goes_out(
    low: float, high: float, value: str, number: float, scale: float
) -> None:
    made = parameters(
        {"P": Drive(value, scale)},
        [InputParameter("P", float(low), float(high))],
        Parameters(),
        face_found=True,
    )
    request = made.encode({value: number})
    if request:
        [sent] = json.loads(request)["data"]["parameterValues"]
        assert abs(sent["value"]) <= 1_000_000


def test_only_what_is_told_is_injected() -> None:
    known = [InputParameter(name) for name in DRIVES]
    made = parameters(DRIVES, known, Parameters(), face_found=False)
    assert made.encode({}) == b""
    assert made.encode({"no such": 1.0}) == b""
    data = json.loads(made.encode({"smile": 0.0}))["data"]
    assert data == {
        "faceFound": False,
        "mode": "set",
        "parameterValues": [
            {"id": "MouthSmile", "value": 0.5},
            {"id": "VoiceFrequencyPlusMouthSmile", "value": 0.5},
        ],
    }


# --- settings ---


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"drives": {"MouthOpen": Drive("mouth_opne")}}, "did you mean 'mouth_open'"),
        ({"rate_hz": 1.0}, "2 to 240"),
        ({"name": "../nova"}, "letters"),
        ({"name": ""}, "letters"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as failed:
        VtsSettings(**({"name": "nova"} | changed))
    assert words in str(failed.value)


def test_the_values_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "avatar.md").read_text("utf-8")
    for name in VALUES:
        assert f"`{name}`" in page
    for name in DRIVES:
        assert f"`{name}`" in page


def test_a_face_is_told_in_these_values() -> None:
    animator = Animator(7)
    animator.expressions.event("raid", 1.0)
    frame = told(animator.at(1.5))
    assert set(frame) == set(VALUES)
    for name, value in frame.items():
        assert VALUES[name].clamped(value) == value
    assert frame["surprise"] > 0.5
    assert set(EXPRESSIONS) <= set(VALUES)


# --- pacing ---


class Time:
    """Virtual: sleeping moves it on, a little too far each time."""

    def __init__(self, late_s: float = 0.0) -> None:
        self.ns = 10**12
        self.late_s = late_s

    def now(self) -> int:
        return self.ns

    async def sleep(self, wait_s: float) -> None:
        await asyncio.sleep(0)
        self.ns += round((wait_s + (self.late_s if wait_s else 0.0)) * 1e9)


@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.012])
async def test_lateness_does_not_add_up(late_s: float) -> None:
    time = Time(late_s)
    pacer = Pacer(60.0, 30.0, time.now, time.sleep)
    pacer.lively = True
    await pacer.frame()
    start = time.ns
    for _ in range(600):
        await pacer.frame()
    assert (time.ns - start) / 1e9 == pytest.approx(10.0, abs=0.02)


async def test_what_was_missed_is_not_made_up_for() -> None:
    time = Time()
    pacer = Pacer(60.0, 30.0, time.now, time.sleep)
    pacer.lively = True
    await pacer.frame()
    time.ns += 10**9
    due = [await pacer.frame() for _ in range(3)]
    assert due[0] == time.ns - 2 * round(1e9 / 60) or due[0] <= time.ns
    assert due[1] - due[0] == int(1e9 / 60)
    assert due[2] - due[1] == int(1e9 / 60)


async def test_speech_does_not_wait_for_an_idle_frame() -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pacer = Pacer(60.0, 2.0, sleep=sleep)
    await asyncio.wait_for(_first(pacer), 5)
    waiting = asyncio.create_task(pacer.frame())
    await asleep.wait()
    pacer.lively = True
    await asyncio.wait_for(waiting, 5)


async def _first(pacer: Pacer) -> None:
    """A pacer that was never asked is due at once."""
    pacer._sleep, kept = asyncio.sleep, pacer._sleep
    await pacer.frame()
    pacer._sleep = kept


# --- what is told ---


def test_a_connection_that_comes_and_goes_is_told_of_seldom() -> None:
    ears, now = Ears(), [0.0]
    report = Report(ears, "avatar nova", 60.0, lambda: now[0])
    for _ in range(100):
        report.away("not running")
        assert ears.now == "avatar nova: not running"
        report.back()
        assert ears.now == ""
        now[0] += 1.0
    assert [level for level, _, _ in ears.notices] == ["warning", "info"] * 2


def test_what_is_lacking_shows_when_all_else_is_well() -> None:
    ears = Ears()
    report = Report(ears, "avatar nova", 60.0, lambda: 0.0)
    report.away("not running")
    report.lacks("model", "no model is loaded")
    assert ears.now == "avatar nova: not running"
    report.back()
    assert ears.now == "avatar nova: no model is loaded"
    report.lacks("model", "")
    assert ears.now == ""


# --- discovery ---


def word(port: int, *, active: bool = True, instance: str = "one", title: str = "A") -> bytes:
    data = {"active": active, "port": port, "instanceID": instance, "windowTitle": title}
    return envelope("VTubeStudioAPIStateBroadcast", data)


def test_the_newest_word_of_each_instance_counts() -> None:
    now = [0.0]
    heard = Discovery(now_s=lambda: now[0])
    calls: list[int] = []
    heard.listeners.add(lambda: calls.append(1))
    heard.datagram_received(word(8001), ("127.0.0.1", 5))
    heard.datagram_received(word(8001), ("127.0.0.1", 5))
    heard.datagram_received(word(8002, instance="two", title="B"), ("10.0.0.9", 5))
    assert len(calls) == 2
    found = heard.find("")
    assert found is not None
    assert found.port == 8001
    assert heard.find("localhost") == found
    remote = heard.find("", "B")
    assert remote is not None
    assert (remote.host, remote.port) == ("10.0.0.9", 8002)
    assert heard.find("localhost", "B") is None
    heard.datagram_received(word(8001, active=False), ("127.0.0.1", 5))
    assert len(calls) == 3
    now[0] = STALE_S + 1
    assert heard.find("") is None


def test_a_flood_of_instances_is_bounded() -> None:
    heard = Discovery()
    for number in range(1000):
        heard.datagram_received(word(8001, instance=str(number)), ("10.0.0.9", 5))
    heard.datagram_received(b"\xff\x00 garbage", ("10.0.0.9", 5))
    heard.datagram_received(word(0), ("10.0.0.9", 5))
    heard.datagram_received(word(70_000), ("10.0.0.9", 5))
    assert len(heard._heard) == 64


async def test_a_port_that_is_taken_is_said_and_no_more() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        async with Discovery(taken.getsockname()[1]) as heard:
            assert "cannot be listened on" in heard.problem
            assert heard.find("") is None
