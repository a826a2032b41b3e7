"""obs: in a whole show, with an OBS that comes, goes and is steered by the operator."""

from __future__ import annotations

import os
import signal

import pytest
from doubles.obs import OUTPUTS, ObsDouble
from e2e.conversation import FAST, ask, say_as_viewer
from harness import Show

from ipc.protocol import ClauseEvent, NoticeEvent
from ipc.states import WorkerState

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PASSWORD = "a-password-nobody-guesses"


def config(port: int) -> str:
    return (
        f"{FAST}[obs]\nenabled = true\nport = {port}\nscene_on_air = 'Live'\nscene_held = 'Pause'\n"
        "scene_break = 'Soon'\ncaption_source = 'Caption'\npoll_s = 0.5\nretry_max_s = 0.2\n"
    )


async def test_obs_follows_a_show_from_its_start_to_its_end() -> None:
    secret = {"SPARK_VTUBER_OBS_PASSWORD": PASSWORD}
    async with ObsDouble(PASSWORD) as obs:
        obs.current = "Soon"
        async with Show(config(obs.port), profile="scripted", env=secret) as show:
            await show.until_ready()
            await obs.until(lambda: obs.current == "Live")

            assert (await ask(show, "hello there"))["outcome"] == "played"
            said = [e.text for e in show.of(ClauseEvent) if e.verdict == "allow"]
            await obs.until(lambda: obs.texts[-1] == "" and len(obs.texts) > 2)
            assert set(obs.texts) - {""} <= set(said)

            await show.operator.request("hold")
            await obs.until(lambda: obs.current == "Pause")
            os.kill(show.workers["obs"].pid, signal.SIGKILL)  # comes back to a held show
            await show.until_state("obs", WorkerState.READY, after=1)
            await show.operator.request("release")
            await obs.until(lambda: obs.current == "Live")
            await show.operator.request("restart", worker="obs")
            await show.until_state("obs", WorkerState.READY, after=2)
            assert "Soon" not in obs.shown  # it was drained, but the show does not end

            obs.stream |= {"outputActive": True, "outputDuration": 5_025_000}
            await obs.event("StreamStateChanged", OUTPUTS, {"outputActive": True})
            live = "live 01:23:45, congestion 0 %"
            await show.until(lambda s: s.workers["obs"].details.get("stream") == live)

            await say_as_viewer(show, "watch OBS end")
            await obs.kill()
            await show.until_state("obs", WorkerState.DEGRADED)
            assert (await ask(show, "are you still there?", author="lee"))["outcome"] == "played"
            await obs.start()
            await show.until_state("obs", WorkerState.READY)

            told = [await show.operator.request("status")]
            told.append(await show.operator.request("logs", worker="obs"))
            await show.operator.request("stop")
            assert await show.wait_exit() == 0
            assert obs.current == "Soon"
            assert obs.texts[-1] == ""
            everything = repr((told, show.events)) + show.said() + _files(show)
            assert PASSWORD not in everything
            assert not any(proof in everything for proof in obs.proofs)
    assert obs.closed == []


async def test_a_show_without_the_obs_that_is_configured() -> None:
    async with Show(config(9), profile="scripted") as show:  # the discard port: nobody is there
        await show.until_ready()
        notice = await show.until(
            lambda s: next((n for n in s.of(NoticeEvent) if n.source == "obs"), None)
        )
        assert notice.level == "info"
        assert (await ask(show, "hello"))["outcome"] == "played"
        status = await show.operator.request("status")
        assert status["show"]["state"] == "on_air"
        assert status["workers"]["obs"]["details"] == {"OBS": "not there"}
        assert len([n for n in show.of(NoticeEvent) if n.source == "obs"]) == 1


def _files(show: Show) -> str:
    """All that the show wrote."""
    files = [path for path in show.state_dir.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in files)
