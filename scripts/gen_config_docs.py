"""Writes docs/configuration.md from the types of ``ipc.config``.

``--check`` writes nothing and exits with 1 if the file is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from ipc.config import Config, PersonaSection

TARGET = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

INTRODUCTION = """\
# Configuration

<!-- Written by scripts/gen_config_docs.py from ipc/config/; change it there. -->

Every key with its type, default and meaning. `config.toml` in the repository holds the same
defaults. Later layers win:

1. the defaults below,
2. `config.toml` of the repository,
3. the file named by `--config`, which needs only the keys it changes,
4. the `[profile.NAME]` table picked by `--profile NAME`: `[profile.NAME.llm]` overrides `[llm]`,
5. environment variables: `SPARK_VTUBER__LLM__THREADS=4` sets `llm.threads`,
   `SPARK_VTUBER__LLM__SCRIPTED__TOKEN_MS=5` sets `llm.scripted.token_ms`.

A file with a `[personas]` table replaces the personas of the layer before it as a whole.
An unknown key, a wrong type or a value out of range stops the start with exit code 78 and a
message that names the file, the line, the key and the nearest valid key.
"""

_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def bare(annotation: Any) -> tuple[Any, list[msgspec.Meta]]:
    """The type under its Annotated wrappers, and their constraints."""
    metas: list[msgspec.Meta] = []
    while get_origin(annotation) is Annotated:
        annotation, *extra = get_args(annotation)
        metas.extend(meta for meta in extra if isinstance(meta, msgspec.Meta))
    return annotation, metas


def is_table(kind: Any) -> bool:
    """Whether ``kind`` is a section of config.toml."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def type_name(annotation: Any) -> str:
    """How a reader of TOML would call the type, with its bounds."""
    kind, metas = bare(annotation)
    if get_origin(kind) is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(kind))
    if get_origin(kind) is dict:
        return f"table of {type_name(get_args(kind)[1])}"
    if get_origin(kind) in (list, tuple):
        return f"list of {type_name(get_args(kind)[0])}"
    names = {str: "string", int: "integer", float: "number", bool: "true or false"}
    bounds = [
        f"{sign} {value:g}"
        for meta in metas
        for name, sign in _LIMITS.items()
        if (value := getattr(meta, name)) is not None
    ]
    return ", ".join([names[kind], *bounds])


def value_text(value: Any) -> str:
    """A default as TOML."""
    if value is msgspec.NODEFAULT:
        return "required"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, list | tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    if isinstance(value, dict):
        return "none"
    return f"`{float(value):g}`" if isinstance(value, float) else f"`{value}`"


def description(metas: list[msgspec.Meta]) -> str:
    """The outermost description; inner ones belong to shared types."""
    texts = [meta.description for meta in metas if meta.description]
    return texts[-1] if texts else ""


def tables(title: str, kind: type[msgspec.Struct]) -> list[str]:
    """The section's heading and table, then its nested sections."""
    hints = get_type_hints(kind, include_extras=True)
    summary = (kind.__doc__ or "").strip()
    lines = [f"\n## `[{title}]`\n", f"{summary}\n", "| key | type | default | meaning |"]
    lines.append("|---|---|---|---|")
    nested: list[str] = []
    for info in msgspec.structs.fields(kind):
        inner, metas = bare(hints[info.name])
        if is_table(inner):
            nested += tables(f"{title}.{info.name}", inner)
            continue
        if get_origin(inner) is dict and is_table(get_args(inner)[1]):
            nested += tables(f"{title}.{info.name}.NAME", get_args(inner)[1])
            continue
        default = info.default
        if default is msgspec.NODEFAULT and info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory()
        lines.append(
            f"| `{info.name}` | {type_name(hints[info.name])} | {value_text(default)} "
            f"| {description(metas)} |"
        )
    return lines + nested


def document() -> str:
    """The whole of docs/configuration.md."""
    lines = [INTRODUCTION.rstrip()]
    for info in msgspec.structs.fields(Config):
        kind, _ = bare(get_type_hints(Config, include_extras=True)[info.name])
        if info.name == "personas":
            lines += tables("personas.NAME", PersonaSection)
        else:
            lines += tables(info.name, kind)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the file, or with ``--check`` compare it."""
    text = document()
    if "--check" in sys.argv[1:]:
        if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
            return 0
        print(f"{TARGET} is out of date; run: python scripts/gen_config_docs.py", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
