"""Two bodies in two VTube Studios: the one who speaks moves her mouth, the other listens."""

from __future__ import annotations

import os
import signal

import pytest
from conversation import FAST, ask, heard
from doubles.vtube_studio import VTubeStudioDouble
from harness import Show

from ipc.states import WorkerState

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def _config(nova: VTubeStudioDouble, umbra: VTubeStudioDouble) -> str:
    return (
        f"{FAST.replace('word_s = 0.06', 'word_s = 0.2')}\n[avatar]\nenabled = true\n"
        f'[avatar.vts.left]\nhost = "127.0.0.1"\nport = {nova.port}\npersona = "nova"\n'
        f'[avatar.vts.right]\nhost = "127.0.0.1"\nport = {umbra.port}\npersona = "umbra"\n'
    )


def _widest(double: VTubeStudioDouble, parameter: str = "MouthOpen") -> float:
    """The largest value that was injected."""
    return max((i.values.get(parameter, 0.0) for i in double.rules.injected), default=0.0)


async def test_the_mouth_of_who_speaks_moves_and_the_other_listens() -> None:
    async with (
        VTubeStudioDouble() as nova,
        VTubeStudioDouble() as umbra,
        Show(_config(nova, umbra), profile="scripted") as show,
    ):
        await show.until_ready()
        for double in (nova, umbra):
            await double.until(lambda d=double: d.rules.injected)
        assert (nova.asked, umbra.asked) == (1, 1)
        answer = await ask(show, "what does your face do?")
        assert (await heard(show, answer["turn"])).seconds > 1
        assert _widest(nova) > 0.3
        assert _widest(umbra) == 0.0

        # the other one on air, after the worker was lost: let in by its token, not asked again
        await show.operator.request("persona", name="umbra")
        avatar = show.workers["avatar"]
        os.kill(avatar.pid, signal.SIGKILL)
        await show.until_state("avatar", WorkerState.READY, after=avatar.incarnation)
        for double in (nova, umbra):
            double.rules.injected.clear()
            await double.until(lambda d=double: d.rules.injected)
        assert (await ask(show, "and yours, Umbra?"))["outcome"] == "played"
        assert _widest(umbra) > 0.3
        assert _widest(nova) == 0.0
        assert (nova.asked, umbra.asked) == (1, 1)
        told = await show.operator.request("avatar", name="right")
        assert told["phase"] == "ready"


async def test_a_show_goes_on_while_no_body_is_there() -> None:
    async with VTubeStudioDouble() as nova, VTubeStudioDouble() as umbra:
        config = _config(nova, umbra)
        await nova.kill()
        await umbra.kill()
        async with Show(config, profile="scripted") as show:
            await show.until_ready()
            assert (await ask(show, "is anybody there?"))["outcome"] == "played"
            await show.until(lambda s: s.workers["avatar"].state is WorkerState.DEGRADED)
            await nova.start()
            await nova.until(lambda: nova.rules.injected)
