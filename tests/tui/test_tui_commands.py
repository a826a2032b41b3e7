"""Category unit: the registry of commands, the command line, docs/keys.md, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.binding import Binding

from ipc.errors import ConfigError, RequestFailed
from ipc.operator import VERBS, check_args
from tui.actions import ACTIONS
from tui.commands import COMMANDS, FIXED_KEYS, keymap, palette, parse, search
from tui.screens.main import MainScreen

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_command_is_bound_and_done() -> None:
    bound = {b.id for b in MainScreen.BINDINGS if isinstance(b, Binding) and b.id}
    assert bound == {command.id for command in COMMANDS}
    assert set(ACTIONS) == bound


def test_default_keys_do_not_collide() -> None:
    keys = list(keymap({}).values())
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set(FIXED_KEYS)


def test_keys_are_written_as_people_write_them() -> None:
    assert keymap({"skip": "?", "help": "f1"})["skip"] == "question_mark"
    assert keymap({"hold": "m", "mute": "h"})["hold"] == "m"


@pytest.mark.parametrize("keys", [{"skip": ""}, {"skip": "ctrl+c"}, {"nothing": "x"}])
def test_bad_keys_are_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        keymap(keys)


def test_palette_reaches_everything() -> None:
    entries = palette(keymap({}))
    assert {e.verb for e in entries if e.verb} == set(VERBS)
    assert {e.command for e in entries if e.command} == {c.id for c in COMMANDS} - {"palette"}
    assert search(entries, "dum")[0].title == "dump"
    assert search(entries, "no such thing") == []


@pytest.mark.parametrize(
    ("line", "verb", "args"),
    [
        ("hold", "hold", {}),
        ("  say hello  there ", "say", {"text": "hello  there"}),
        ("chat hi you author=ann lee", "chat", {"text": "hi you", "author": "ann lee"}),
        ("chat my_author=x is text", "chat", {"text": "my_author=x is text"}),
        ("sound 12", "sound", {"turn": 12}),
        ("persona umbra", "persona", {"name": "umbra"}),
    ],
)
def test_typed_commands(line: str, verb: str, args: dict[str, object]) -> None:
    found, given = parse(line)
    assert (found.name, given) == (verb, args)
    assert check_args(found, given) == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("holt", "no command 'holt'"),
        ("", "no command ''"),
        ("say", "say needs text"),
        ("sound twelve", "turn must be a number"),
        ("hold on", "hold does not take 'on'"),
    ],
)
def test_mistyped_commands_name_the_mend(line: str, message: str) -> None:
    with pytest.raises(RequestFailed, match=message) as caught:
        parse(line)
    assert caught.value.hint


def test_docs_are_up_to_date() -> None:
    subprocess.run([sys.executable, "scripts/gen_keys.py", "--check"], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    "module", ["tui.client", "tui.commands", "tui.model.view", "ipc.operator", "ipc.events"]
)
def test_textual_is_not_loaded_by(module: str) -> None:
    code = f"import sys, {module}; sys.exit('textual' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
