"""Secrets: tokens and keys of the services a show talks to.

They come from an environment variable (``SPARK_VTUBER_TWITCH_TOKEN``) or from
``STATE/secrets.toml``, a file only its owner may read. They are in no configuration, no
message between processes, no event and no log: the one worker that needs a secret reads it
itself, and the supervisor takes the variables out of the environment of all others.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from ipc.errors import ConfigError
from ipc.files import replace

PREFIX = "SPARK_VTUBER_"
FILE = "secrets.toml"


class SecretStr:
    """A string that prints as stars and cannot be encoded; ``reveal`` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Never put it into a message, a log or an error."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "SecretStr('***')" if self._value else "SecretStr('')"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True)
class Secret:
    """One secret a show may have."""

    name: str
    worker: str
    summary: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return PREFIX + self.name.upper()


SECRETS: dict[str, Secret] = {
    secret.name: secret
    for secret in (
        Secret("twitch_token", "chat", "Twitch user access token: write and moderate"),
        Secret("twitch_refresh_token", "chat", "renews twitch_token when it has run out"),
        Secret("twitch_client_id", "chat", "of your Twitch application; found out and kept"),
        Secret("twitch_client_secret", "chat", "of your Twitch application, to renew tokens"),
        Secret("youtube_key", "chat", "YouTube API key: read the chat"),
        Secret("youtube_token", "chat", "YouTube OAuth access token: read, write and moderate"),
        Secret("youtube_refresh_token", "chat", "renews youtube_token, which lasts an hour"),
        Secret("youtube_client_id", "chat", "of your Google application, to renew tokens"),
        Secret("youtube_client_secret", "chat", "of your Google application, to renew tokens"),
        Secret("obs_password", "obs", "of OBS's WebSocket server"),
    )
}


class Secrets:
    """What is known of SECRETS. ``get`` gives an empty SecretStr for what is not set."""

    def __init__(
        self, path: Path, values: Mapping[str, SecretStr], kept: Mapping[str, SecretStr] = {}
    ) -> None:
        self.path = path
        self._values = dict(values)
        self._kept = dict(kept)

    @classmethod
    def load(cls, state_dir: Path, env: Mapping[str, str] | None = None) -> Secrets:
        """Environment over file. Raises ConfigError if the file may be read by others, does
        not parse, or holds a name that no part of the show knows."""
        env = os.environ if env is None else env
        path = state_dir / FILE
        kept = {name: SecretStr(value) for name, value in _read(path).items()}
        values = dict(kept)
        for secret in SECRETS.values():
            if value := env.get(secret.variable, "").strip():
                values[secret.name] = SecretStr(value)
        return cls(path, values, kept)

    def get(self, name: str) -> SecretStr:
        """KeyError for a name not in SECRETS."""
        SECRETS[name]
        return self._values.get(name, SecretStr(""))

    def kept(self, name: str) -> SecretStr:
        """What the file says, also where the environment says something else: a token renewed
        by an earlier run is there, when the one in the environment has run out since."""
        SECRETS[name]
        return self._kept.get(name, SecretStr(""))

    def keep(self, changed: Mapping[str, SecretStr]) -> None:
        """Write renewed secrets to the file, so that the next start has them. Raises OSError."""
        self._values.update(changed)
        self._kept.update(changed)
        stored = _read(self.path) | {name: value.reveal() for name, value in changed.items()}
        text = "".join(f"{line}\n" for line in [*self._comments(), *_lines(stored)])
        # durable: the token before it is worth nothing any more
        replace(self.path, text.encode(), durable=True)

    def _comments(self) -> list[str]:
        """What a person wrote between the secrets."""
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if line.lstrip().startswith("#")]


def _lines(stored: Mapping[str, str]) -> list[str]:
    # a JSON string is a TOML string too
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in stored.items()]


def without(env: Mapping[str, str], worker: str) -> dict[str, str]:
    """``env`` without the secrets of other workers."""
    foreign = {secret.variable for secret in SECRETS.values() if secret.worker != worker}
    return {name: value for name, value in env.items() if name not in foreign}


def _read(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise ConfigError(
                f"{path} may be read by others (mode {mode & 0o777:o})", f"chmod 600 {path}"
            )
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # the parser's own words may quote the line, and with it the secret
        what = error.strerror if isinstance(error, OSError) else "it is not TOML"
        raise ConfigError(
            f"cannot read the secrets in {path}: {what}", 'a line looks like name = "value"'
        ) from None
    for name, value in table.items():
        if name not in SECRETS:
            near = get_close_matches(name, SECRETS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(SECRETS)}"
            raise ConfigError(f"{path}: unknown secret {name!r}", hint)
        if not isinstance(value, str):
            raise ConfigError(f"{path}: {name} must be a string", f'write {name} = "..."')
    return table
