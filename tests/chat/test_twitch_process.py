"""The chat worker as a process with a Twitch account: verbs reach Twitch, secrets go nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.twitch_api import TwitchApi
from stage.rig import rig
from twitch_rig import section

from ipc.config import Config
from ipc.protocol import Beat, ChatMessage, Removed

Configure = Callable[..., Config]


def written(directory: Path, but: Path) -> str:
    """All that is in files there."""
    files = [path for path in directory.rglob("*") if path.is_file() and path != but]
    return "".join(path.read_text(errors="replace") for path in files)


async def test_verbs_reach_twitch_and_no_secret_leaves_the_worker(
    short_dir: Path, configure: Configure, capfd: pytest.CaptureFixture[str]
) -> None:
    async with TwitchApi("nova") as api:
        access, refresh = api.token("bot")
        secrets = short_dir / "secrets.toml"
        secrets.write_text(f'twitch_token = "{access}"\ntwitch_refresh_token = "{refresh}"\n')
        secrets.chmod(0o600)
        defaults = configure().chat
        twitch = section(api).twitch
        config = configure(chat={"twitch": twitch, "retry_base_s": 0.01, "retry_max_s": 0.05})
        assert config.chat.memory_gb == defaults.memory_gb
        async with rig(short_dir, "chat", config) as chat:
            await chat.start()
            await api.listening()
            line_id = api.say("hello", "mira")
            message = await chat.until(ChatMessage, lambda m: m.text == "hello")
            assert message.id == f"twitch:{line_id}"

            sent = await chat.ask("send", text="hello Mira", reply=message.id)
            assert sent.error == ""
            assert [(said.text, said.reply_to) for said in api.world.sent] == [
                ("hello Mira", line_id)
            ]
            silenced = await chat.ask("timeout", viewer="mira", seconds=60, reason="calm")
            assert silenced.result["platform"] == "done"
            assert api.world.bans[api.world.user("mira").id].until is not None
            await chat.until(Removed, lambda r: r.author_id == message.author_id)
            assert (await chat.ask("undo")).error == ""
            assert not api.world.banned(api.world.user("mira").id)
            deleted = await chat.ask("delete", message_id=message.id)
            assert deleted.result["platform"] == "done"
            assert api.world.deleted == [line_id]
            refused = await chat.ask("ban", viewer=f"twitch:{api.world.owner.id}")
            assert refused.result["here"] == "banned"
            assert "lets nobody ban" in refused.result["platform"]

            api.expire()  # renewed by itself
            assert (await chat.ask("send", text="still here")).error == ""
            api.revoke()
            lost = await chat.ask("send", text="and now")
            assert "could not be renewed" in f"{lost.error} {lost.result}"
            await chat.until(Beat, lambda beat: "without an account" in beat.problem)
            seen = json.dumps([repr(message) for message in chat.all(object)])
        known = [*api.world.tokens, *api.world.refreshes]
    assert len(known) == 4
    out, err = capfd.readouterr()
    everything = seen + out + err + written(short_dir, but=secrets)
    assert "hello" in everything
    assert [token for token in known if token in everything] == []
