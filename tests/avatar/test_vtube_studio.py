"""The client against the test VTube Studio: being let in, by a person and by a token."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from avatar_rig import on_stage, ready
from doubles.vtube_studio import VTubeStudioDouble

from workers.avatar.vtube_studio import Phase


def token_file(state: Path) -> Path:
    return state / "vtube-studio-nova.token"


async def test_asked_once_then_let_in_with_the_token(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path):
        await studio.frames()
    kept = token_file(tmp_path)
    assert kept.read_text() in studio.rules.tokens
    assert kept.stat().st_mode & 0o777 == 0o600
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert ready(show)
        assert show.client.status().model == "Nova"
    assert studio.asked == 1


async def test_the_token_is_nowhere_else(
    studio: VTubeStudioDouble, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        token = token_file(tmp_path).read_text()
        assert token not in repr(vars(show.client)) + str(show.ears.notices)
    assert token not in caplog.text
    assert os.listdir(tmp_path) == ["vtube-studio-nova.token"]


async def test_a_token_that_others_could_read_is_closed_to_them(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    studio.rules.tokens["kept"] = ("Spark VTuber", "Spark VTuber")
    token_file(tmp_path).write_text("kept\n")
    token_file(tmp_path).chmod(0o644)
    async with on_stage(studio.port, tmp_path):
        await studio.frames()
    assert studio.asked == 0
    assert token_file(tmp_path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", ["revoked", "", "ü" * 40, "x" * 4000, "two\nlines"])
async def test_a_wrong_token_is_asked_for_again(
    studio: VTubeStudioDouble, tmp_path: Path, kept: str
) -> None:
    token_file(tmp_path).write_text(kept)
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert bool(show.ears.said("does not accept the token")) == (kept == "revoked")
    assert studio.asked == 1
    assert token_file(tmp_path).read_text() in studio.rules.tokens


async def test_the_popup_may_stay_open_and_nothing_else_is_shown(tmp_path: Path) -> None:
    async with VTubeStudioDouble(popup="wait") as studio, on_stage(studio.port, tmp_path) as show:
        await studio.until(lambda: studio.asked == 1)
        assert "asking whether" in show.ears.now
        assert show.client.phase is Phase.ENTERING
        await studio.answer(allow=True)
        await studio.frames()
        assert show.ears.now == ""
        assert studio.asked == 1


async def test_denied_is_asked_again_only_when_told(tmp_path: Path) -> None:
    async with VTubeStudioDouble(popup="deny") as studio, on_stage(studio.port, tmp_path) as show:
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        [(level, _, hint)] = show.ears.said("denied")
        assert (level, "ask again" in hint) == ("error", True)
        await studio.until(lambda: not studio.rules.sessions)
        studio.popup = "allow"
        connected = studio.connected
        await studio.kill()  # not even a restart makes it ask
        await studio.start()
        assert (studio.asked, studio.connected) == (1, connected)
        show.client.ask_again()
        await studio.frames()
        assert studio.asked == 2
        assert show.ears.now == ""


async def test_another_plugins_popup_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.avatar.vts_login._OPEN_S", 0.01)
    async with VTubeStudioDouble(popup="wait") as studio, AsyncExitStack() as shows:
        await shows.enter_async_context(on_stage(studio.port, tmp_path, name="first"))
        await studio.until(lambda: studio.asked == 1)
        show = await shows.enter_async_context(on_stage(studio.port, tmp_path))
        await studio.until(lambda: studio.rules.errors.count(51) > 3)
        assert "already" in show.ears.now
        assert len(show.ears.said("already")) == 1
        await studio.answer(allow=True)
        await studio.until(lambda: studio.asked == 2)
        await studio.answer(allow=True)
        await show.ears.until(lambda: ready(show))


async def test_a_name_that_it_refuses_is_not_tried_again_and_again(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path, plugin="x") as show:
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        assert "3 to 32" in show.ears.notices[-1][2]
    assert studio.rules.errors == [52]


async def test_permission_revoked_on_air(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        studio.rules.revoke()
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        show.client.ask_again()
        await studio.frames(2)
        assert studio.asked == 2


async def test_the_token_cannot_be_read(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    token_file(tmp_path).mkdir()
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert "delete it" in show.ears.said("cannot be read")[0][2]


async def test_the_token_cannot_be_kept(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    (tmp_path / "vtube-studio-nova.token.new").mkdir()
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert show.ears.said("cannot be kept")
        await studio.kill()
        await studio.start()
        await studio.frames()
    assert studio.asked == 1  # it is remembered while the show lasts


async def test_the_api_is_off(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    studio.rules.api_on = False
    async with on_stage(studio.port, tmp_path) as show:
        await show.ears.until(lambda: "switched off" in show.ears.now)
        assert "Allow Plugin API access" in show.ears.notices[0][2]
        studio.rules.api_on = True
        await studio.frames()
        studio.rules.api_on = False  # while it is driven
        await show.ears.until(lambda: "switched off" in show.ears.now)
        studio.rules.api_on = True
        await studio.frames(2)
    assert len(show.ears.said("tried again")) == 1
