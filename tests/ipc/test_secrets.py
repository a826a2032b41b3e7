"""Secrets: where they come from, who may read them, and that they print as stars."""

import pickle
import stat
from pathlib import Path

import msgspec
import pytest

from ipc.errors import ConfigError
from ipc.secrets import SECRETS, Secrets, SecretStr, without

TOKEN = "oauth-very-secret"


def write(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / "secrets.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_nothing_is_set(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path, {})
    assert [name for name in SECRETS if secrets.get(name)] == []
    with pytest.raises(KeyError):
        secrets.get("twitch_tokn")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'twitch_token = "from file"\nyoutube_key = "key"\n')
    secrets = Secrets.load(tmp_path, {"SPARK_VTUBER_TWITCH_TOKEN": f" {TOKEN}\n"})
    assert secrets.get("twitch_token").reveal() == TOKEN
    assert secrets.get("youtube_key").reveal() == "key"


def test_a_secret_prints_as_stars_and_is_not_encoded() -> None:
    secret = SecretStr(TOKEN)
    shown = f"{secret} {secret!r} {[secret]} {secret:}"
    assert TOKEN not in shown
    assert secret == SecretStr(TOKEN)
    assert secret != SecretStr("")
    for encode in (msgspec.json.encode, msgspec.msgpack.encode):
        with pytest.raises(TypeError):
            encode({"secret": secret})
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, f'twitch_token = "{TOKEN}"\n', 0o640)
    with pytest.raises(ConfigError) as error:
        Secrets.load(tmp_path, {})
    assert str(path) in error.value.message
    assert error.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    "text",
    [
        f"twitch_token = {TOKEN}",
        f'twitch_token = "{TOKEN}',
        f'twitch_tokn = "{TOKEN}"',
        f'twitch_token = ["{TOKEN}"]',
        f'twitch_token = "{TOKEN}"\ntwitch_token = "{TOKEN}"',
        "\x00",
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        Secrets.load(tmp_path, {})
    assert str(path) in error.value.message
    assert TOKEN not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.hint


def test_renewed_secrets_are_kept_private_and_whole(tmp_path: Path) -> None:
    write(tmp_path, '# from the console\nyoutube_key = "key"\ntwitch_token = "old"\n')
    secrets = Secrets.load(tmp_path, {})
    odd = 'new "quoted" \\ ü \U0001f600'
    secrets.keep({"twitch_token": SecretStr(odd)})
    again = Secrets.load(tmp_path, {})
    assert again.get("twitch_token").reveal() == secrets.get("twitch_token").reveal() == odd
    assert again.get("youtube_key").reveal() == "key"
    assert (tmp_path / "secrets.toml").read_text().count("# from the console\n") == 1
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600


def test_other_workers_do_not_inherit_them() -> None:
    env = {secret.variable: "x" for secret in SECRETS.values()} | {"HOME": "/"}
    assert without(env, "llm") == {"HOME": "/"}
    chats = {secret.variable for secret in SECRETS.values() if secret.worker == "chat"}
    assert without(env, "chat").keys() == chats | {"HOME"}


def test_what_was_kept_is_found_behind_the_environment(tmp_path: Path) -> None:
    env = {"SPARK_VTUBER_TWITCH_TOKEN": "old"}
    Secrets.load(tmp_path, env).keep({"twitch_token": SecretStr("renewed")})
    again = Secrets.load(tmp_path, env)
    assert again.get("twitch_token").reveal() == "old"
    assert again.kept("twitch_token").reveal() == "renewed"
    assert not again.kept("youtube_key")
    with pytest.raises(KeyError):
        again.kept("twitch_tokn")
