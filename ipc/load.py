"""config.toml, profile and environment -> Config, or one ConfigError that names the place.

Layers, later ones win: the defaults of ``ipc.config``, the project's config.toml, the
file named by ``--config``, its ``[profile.NAME]`` table, and environment variables such
as ``SPARK_VTUBER__LLM__THREADS=4``. A ``[personas]`` table in a file replaces the
personas of the layer before it as a whole.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from ipc.config import AFTER, WORKERS, Config
from ipc.errors import ConfigError

PROJECT_CONFIG = Path(__file__).resolve().parent.parent / "config.toml"
ENV_PREFIX = "SPARK_VTUBER__"
MAX_CONFIG_BYTES = 1024 * 1024

_Table = dict[str, Any]


def load_config(
    path: Path | None = None, profile: str = "", env: Mapping[str, str] | None = None
) -> Config:
    """The resolved configuration. Raises ConfigError with file, line, key and mend."""
    layers = [_Layer.read(PROJECT_CONFIG)]
    if path is not None and path.resolve() != PROJECT_CONFIG:
        layers.append(_Layer.read(path))
    tables: _Table = {}
    for layer in layers:
        merge(tables, layer.base)
    if profile:
        named = [layer for layer in layers if profile in layer.profiles]
        if not named:
            known = sorted({name for layer in layers for name in layer.profiles})
            raise ConfigError(
                f"there is no profile {profile!r} in {layers[-1].path}",
                _nearest(profile, known, "profile"),
            )
        for layer in named:
            merge(tables, layer.profiles[profile])
    env_keys = _merge_environment(tables, os.environ if env is None else env)
    return _build(tables, _Locator(layers, profile, env_keys))


def decode_config(data: bytes) -> Config:
    """The Config a worker gets in Welcome."""
    return msgspec.msgpack.decode(data, type=Config)


def encode_config(config: Config) -> bytes:
    """The Config a supervisor puts into Welcome."""
    return msgspec.msgpack.encode(config)


def merge(into: _Table, other: _Table) -> None:
    """Overlay ``other``, table by table; ``personas`` is replaced as a whole."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict) and key != "personas":
            merge(into[key], value)
        else:
            into[key] = _copy(value)


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, dict) else value


class _Layer:
    """One file: its text (to find lines in), its base tables and its profiles."""

    def __init__(self, path: Path, text: str, tables: _Table) -> None:
        self.path = path
        self.text = text
        profiles = tables.pop("profile", {})
        if not isinstance(profiles, dict) or not all(
            isinstance(p, dict) for p in profiles.values()
        ):
            raise ConfigError(f"{path}: profiles are tables", "write [profile.NAME.section]")
        self.profiles: dict[str, _Table] = profiles
        self.base = tables

    @classmethod
    def read(cls, path: Path) -> _Layer:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot read the configuration {path}: {error.strerror}",
                "name an existing file with --config",
            ) from None
        if len(data) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path} has {len(data)} bytes; that is no configuration")
        try:
            text = data.decode("utf-8")
            return cls(path, text, tomllib.loads(text))
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: {error}", "mend the TOML there") from None

    def line_of(self, keys: tuple[str, ...]) -> int:
        """1-based line where ``keys`` is set, 0 if it is not in this file."""
        return _find_line(self.text, keys)


def _find_line(text: str, keys: tuple[str, ...]) -> int:
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if header := re.match(r"\[+([^\]]+)\]+", stripped):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if table == keys:
                return number
        elif assigned := re.match(r"([A-Za-z0-9_.\"'-]+)\s*=", stripped):
            name = tuple(part.strip("\"'") for part in assigned[1].split("."))
            full = table + name
            if full == keys or (keys[: len(full)] == full and "{" in stripped):
                return number
    return 0


class _Locator:
    """Where a key of the merged tables came from, for messages."""

    def __init__(self, layers: list[_Layer], profile: str, env_keys: dict[tuple[str, ...], str]):
        self._layers = layers
        self._profile = profile
        self._env_keys = env_keys

    def place(self, keys: tuple[str, ...]) -> str:
        if keys in self._env_keys:
            return f"environment variable {self._env_keys[keys]}"
        for layer in reversed(self._layers):
            candidates = [keys]
            if self._profile:
                candidates.insert(0, ("profile", self._profile, *keys))
            for candidate in candidates:
                if line := layer.line_of(candidate):
                    return f"{layer.path}, line {line}"
        return str(self._layers[-1].path)


def _merge_environment(tables: _Table, env: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for name, text in sorted(env.items()):
        if not name.startswith(ENV_PREFIX):
            continue
        keys = tuple(part.lower() for part in name[len(ENV_PREFIX) :].split("__"))
        node = tables
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise ConfigError(f"environment variable {name}: {key} is not a table")
        node[keys[-1]] = _parse_value(text)
        found[keys] = name
    return found


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word is a string: unquoted paths and names are what people write


def _build(tables: _Table, locator: _Locator) -> Config:
    _refuse_unknown(tables, Config, (), locator)
    try:
        config = msgspec.convert(tables, Config)
    except msgspec.ValidationError as error:
        raise _explain(str(error), tables, locator) from None
    _check_references(config, locator)
    return config


def _struct_of(annotation: Any) -> tuple[Any, bool]:
    """(struct class or None, whether it is a dict of them) behind an annotation."""
    if hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is dict:
        inner = get_args(annotation)[1]
        return (inner, True) if _is_struct(inner) else (None, False)
    return (annotation, False) if _is_struct(annotation) else (None, False)


def _is_struct(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


def _refuse_unknown(table: _Table, kind: Any, at: tuple[str, ...], locator: _Locator) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for key, value in table.items():
        here = (*at, key)
        if key not in hints:
            raise ConfigError(
                f"{locator.place(here)}: unknown key {'.'.join(here)!r}",
                _nearest(key, list(hints), "key"),
            )
        struct, many = _struct_of(hints[key])
        if struct is None or not isinstance(value, dict):
            continue
        if not many:
            _refuse_unknown(value, struct, here, locator)
            continue
        for name, entry in value.items():
            if isinstance(entry, dict):
                _refuse_unknown(entry, struct, (*here, name), locator)


def _explain(text: str, tables: _Table, locator: _Locator) -> ConfigError:
    what, _, where = text.partition(" - at `")
    keys = tuple(part for part in where.strip("`$").replace("[...]", "").split(".") if part)
    if where.startswith("$.personas[...]"):
        keys = _culprit_persona(tables, keys)
    dotted = ".".join(keys) or "the file"
    return ConfigError(
        f"{locator.place(keys)}: {dotted}: {what[:1].lower()}{what[1:]}",
        "docs/configuration.md lists every key with its type and default",
    )


def _culprit_persona(tables: _Table, keys: tuple[str, ...]) -> tuple[str, ...]:
    """msgspec writes ``personas[...]``; find which one it was."""
    hints = get_type_hints(Config, include_extras=True)
    struct, _ = _struct_of(hints["personas"])
    for name, entry in tables["personas"].items():
        try:
            msgspec.convert(entry, struct)
        except msgspec.ValidationError:
            return ("personas", name, *keys[1:])
    return keys


def _check_references(config: Config, locator: _Locator) -> None:
    """What types cannot say: names that must exist elsewhere in the file."""
    personas = config.personas
    if not personas:
        raise ConfigError(f"{locator.place(('personas',))}: there is no [personas.NAME] table")
    if config.show.persona not in personas:
        raise ConfigError(
            f"{locator.place(('show', 'persona'))}: there is no persona {config.show.persona!r}",
            _nearest(config.show.persona, list(personas), "persona"),
        )
    for name, persona in personas.items():
        if persona.adapter and persona.adapter not in config.llm.adapters:
            place = locator.place(("personas", name, "adapter"))
            raise ConfigError(
                f"{place}: there is no adapter {persona.adapter!r} in [llm.adapters]",
                _nearest(persona.adapter, list(config.llm.adapters), "adapter"),
            )
    tighten = config.gate.tighten
    if tighten.persona and tighten.persona not in personas:
        raise ConfigError(
            f"{locator.place(('gate', 'tighten', 'persona'))}: there is no persona "
            f"{tighten.persona!r}",
            _nearest(tighten.persona, list(personas), "persona"),
        )
    if tighten.to == "safe" and not tighten.persona:
        raise ConfigError(
            f"{locator.place(('gate', 'tighten', 'to'))}: gate.tighten.to is 'safe' but no safe "
            "personality is named",
            "name one in gate.tighten.persona, or take 'approval'",
        )
    over_budget(config)


def over_budget(config: Config) -> None:
    """Raise ConfigError with the table if the workers do not fit the memory budget."""
    wanted = {n: config.worker(n).memory_gb for n in WORKERS if config.worker(n).enabled}
    total = sum(wanted.values())
    budget = config.supervisor.memory_budget_gb
    if total <= budget:
        return
    rows = "\n".join(f"    {name:<10}{gb:8.1f} GB" for name, gb in wanted.items())
    raise ConfigError(
        f"the workers need {total:.1f} GB, the budget is {budget:.1f} GB:\n{rows}\n"
        f"    {'together':<10}{total:8.1f} GB",
        "lower memory_gb, disable a worker, or raise supervisor.memory_budget_gb",
    )


def _nearest(word: str, known: list[str], what: str) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there is {', '.join(sorted(known))}" if known else f"there is no {what} at all"


assert set(AFTER) == set(WORKERS)
