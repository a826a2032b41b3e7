"""The one list of what keys can do. Bindings, help, palette and docs/keys.md come from here.

Operator verbs come from ``ipc.operator.VERBS``: all of them are in the palette and on the
command line, whether or not they have a key of their own.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipc.errors import ConfigError, RequestFailed
from ipc.operator import VERBS, Param, Verb, check_args


@dataclass(frozen=True)
class Command:
    """One thing a key does. ``id`` is the name in ``[ui.keys]``; ``short`` fits a footer."""

    id: str
    key: str
    short: str
    summary: str
    group: str
    changes: bool = False  # refused when read-only
    footer: int = 0  # 1 is shown first where there is room; 0 never
    pane: str = ""  # in the footer only while this has the focus; "line": a selected one of chat


COMMANDS: tuple[Command, ...] = (
    Command("hold", "h", "hold", "Hold the show, or release it", "Show", True, 2),
    Command("mute", "m", "mute", "Mute the sound, or unmute it", "Show", True, 30),
    Command("skip", "s", "skip", "Cut the reply that is being spoken", "Show", True, 3),
    Command(
        "dump", "D", "DUMP", "Panic: kill the sound now, clear every queue, hold", "Show", True, 1
    ),
    Command("persona", "p", "persona", "Switch to the next personality", "Show", True, 40),
    Command("say", "y", "say", "Type a line she says exactly", "Show", True, 35),
    Command("whisper", "W", "whisper", "Tell her something only she hears", "Show", True, 36),
    Command("topic", "t", "topic", "Say what the stream is about", "Show", True, 37),
    Command("mode", "M", "mode", "How careful: open, approval or safe", "Show", True, 38),
    Command(
        "inspect",
        "enter",
        "inspect",
        "Who wrote this, and all that is known",
        "Chat",
        False,
        10,
        "line",
    ),
    Command("next", "n", "next", "Answer this line next", "Chat", True, 11, "line"),
    Command("drop", "d", "drop", "Pass this line over", "Chat", True, 12, "line"),
    Command("delete", "X", "delete", "Delete this line", "Chat", True, 13, "line"),
    Command(
        "timeout", "T", "timeout", "Silence this viewer for a while; asks", "Chat", True, 14, "line"
    ),
    Command("ban", "B", "ban", "Ban this viewer; asks", "Chat", True, 15, "line"),
    Command(
        "trust", "plus", "trust", "Trust this viewer, or doubt them again", "Chat", True, 17, "line"
    ),
    Command("undo", "U", "undo", "Undo the last ban, timeout or trust", "Chat", True, 16, "line"),
    Command(
        "queue", "b", "backlog", "What waits, and what was passed over", "Chat", False, 18, "chat"
    ),
    Command("chat", "i", "chat", "Type a chat line as a viewer", "Chat", True, 31),
    Command(
        "filter",
        "slash",
        "filter",
        "Show only chat lines with this text",
        "Chat",
        False,
        19,
        "chat",
    ),
    Command(
        "up", "up", "select", "Selection up; chat stands still meanwhile", "Chat", False, 6, "chat"
    ),
    Command("down", "down", "down", "Selection down", "Chat"),
    Command("page_up", "pageup", "page up", "Selection ten up", "Chat"),
    Command("page_down", "pagedown", "page down", "Selection ten down", "Chat"),
    Command("follow", "end", "newest", "Back to the newest line", "Chat", False, 20, "line"),
    Command(
        "approve",
        "a",
        "approve",
        "Let this line or reply on the air",
        "Approval",
        True,
        10,
        "approve",
    ),
    Command(
        "edit",
        "e",
        "edit",
        "Change its words, then let it on the air",
        "Approval",
        True,
        11,
        "approve",
    ),
    Command("deny", "N", "deny", "Never say or answer it", "Approval", True, 12, "approve"),
    Command(
        "restart", "r", "restart", "Restart the selected worker", "Workers", True, 11, "workers"
    ),
    Command(
        "logs", "l", "logs", "What the selected worker printed", "Workers", False, 10, "workers"
    ),
    Command("next_pane", "tab", "next pane", "Go to the next pane", "Screen", False, 42),
    Command("previous_pane", "shift+tab", "previous pane", "Go to the pane before", "Screen"),
    Command("tab_show", "1", "show", "Tab with chat, transcript and tokens", "Screen"),
    Command("tab_workers", "2", "workers", "Tab with the workers", "Screen"),
    Command("tab_memory", "3", "memory", "Tab with what memory gave", "Screen"),
    Command("tab_log", "4", "log", "Tab with the log", "Screen"),
    Command("tab_approve", "5", "approve", "Tab with what waits for a person", "Screen"),
    Command("zoom", "z", "zoom", "This pane alone, or all again", "Screen", False, 41),
    Command("copy", "c", "copy", "Copy the selection or pane to the clipboard", "Screen"),
    Command("save", "w", "save", "Save the text of this pane to a file", "Screen"),
    Command("command", "colon", "command", "Type any operator command", "Screen", False, 34),
    Command(
        "palette", "ctrl+p", "palette", "Search everything that can be done", "Screen", False, 33
    ),
    Command("help", "question_mark", "help", "All keys", "Screen", False, 5),
    Command("quit", "q", "quit", "Leave: detach, or stop the show", "Screen", False, 32),
)

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}
FIXED_KEYS = ("escape", "ctrl+c", "ctrl+q")
"""Escape closes what is open; ctrl+c and ctrl+q ask to quit. They cannot be given away."""

_KEY_NAMES = {
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "question_mark": "?",
    "enter": "Enter",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
}


def key_name(key: str) -> str:
    """A key as people write it."""
    return _KEY_NAMES.get(key, key.replace("ctrl+", "Ctrl+"))


def keymap(keys: Mapping[str, str]) -> dict[str, str]:
    """Action to key, with the operator's own ``[ui.keys]`` in it.

    Raises ConfigError for an action that does not exist and for a key with two actions.
    """
    result = {command.id: command.key for command in COMMANDS}
    for action, key in keys.items():
        if action not in BY_ID:
            near = difflib.get_close_matches(action, BY_ID, n=1)
            raise ConfigError(
                f"[ui.keys] names an action {action!r} that does not exist",
                f"did you mean {near[0]!r}?" if near else "docs/keys.md lists the actions",
            )
        if not key.strip():
            raise ConfigError(f"[ui.keys] {action} has no key", f'write {action} = "x"')
        result[action] = _normal(key.strip())
    taken: dict[str, str] = dict.fromkeys(FIXED_KEYS, "a fixed action")
    for action, key in result.items():
        if key in taken:
            raise ConfigError(
                f"[ui.keys] gives {key_name(key)!r} to both {taken[key]} and {action}",
                "choose another key for one of them",
            )
        taken[key] = action
    return result


def _normal(key: str) -> str:
    """The name Textual has for a key that people write as a character."""
    spelled = {shown: name for name, shown in _KEY_NAMES.items()}
    return spelled.get(key, key)


@dataclass(frozen=True)
class Entry:
    """A line of the palette: a command with a key, or a verb to type arguments for."""

    title: str
    summary: str
    key: str = ""
    command: str = ""
    verb: str = ""
    changes: bool = False


def palette(keys: Mapping[str, str]) -> list[Entry]:
    """Everything that can be done. ``keys`` as ``keymap`` gives them."""
    entries = [
        Entry(
            command.id.replace("_", " "),
            command.summary,
            key=key_name(keys[command.id]),
            command=command.id,
            changes=command.changes,
        )
        for command in COMMANDS
        if command.id != "palette"
    ]
    entries.extend(
        Entry(f":{usage(verb)}", verb.summary, verb=verb.name, changes=verb.changes)
        for verb in VERBS.values()
    )
    return entries


def search(entries: list[Entry], needle: str) -> list[Entry]:
    """Entries with every word of ``needle`` in them; those it begins come first."""
    words = needle.casefold().split()
    found = [
        entry
        for entry in entries
        if all(word in f"{entry.title} {entry.summary}".casefold() for word in words)
    ]
    begin = needle.casefold().strip()
    return sorted(found, key=lambda entry: not entry.title.lstrip(":").startswith(begin))


def usage(verb: Verb) -> str:
    """How a verb is typed: ``say TEXT``, ``chat TEXT [author=...]``."""
    words = [verb.name]
    for param in verb.params:
        if param.required:
            words.append(param.name.upper())
        else:
            words.append(f"[{param.name.upper()}]" if param.rest else f"[{param.name}=…]")
    return " ".join(words)


def parse(line: str) -> tuple[Verb, dict[str, Any]]:
    """A typed command as verb and arguments.

    Raises RequestFailed with a sentence that names what is wrong and how it is typed.
    """
    name, _, rest = line.strip().partition(" ")
    verb = VERBS.get(name)
    if verb is None:
        near = difflib.get_close_matches(name, VERBS, n=1)
        raise RequestFailed(
            f"there is no command {name!r}",
            f"did you mean {near[0]!r}?" if near else "Ctrl+P lists all of them",
        )
    args: dict[str, Any] = {}
    rest = rest.strip()
    for param in verb.params:
        if not (param.required or param.rest):
            mark = f"{param.name}="
            head, found, tail = rest.rpartition(mark)
            if found and (not head or head.endswith(" ")):
                # up to the next blank if words may follow it
                value, _, after = tail.partition(" ") if _more(verb) else (tail, "", "")
                rest = f"{head}{after}".strip()
                if value.strip():
                    args[param.name] = _converted(param, value.strip(), verb)
    for param in (param for param in verb.params if param.required or param.rest):
        if param.rest:
            value, rest = rest, ""
        else:
            value, _, rest = rest.partition(" ")
            rest = rest.strip()
        if not value:
            continue
        args[param.name] = _converted(param, value, verb)
    if rest:
        raise RequestFailed(f"{verb.name} does not take {rest!r}", f"type: {usage(verb)}")
    if wrong := check_args(verb, args):
        raise RequestFailed(wrong, f"type: {usage(verb)}")
    return verb, args


def _more(verb: Verb) -> bool:
    """Whether several optional arguments are told apart by blanks."""
    return sum(not param.required for param in verb.params) > 1


def _converted(param: Param, value: str, verb: Verb) -> Any:
    try:
        return param.kind(value)
    except ValueError:
        raise RequestFailed(
            f"{param.name} must be a number, not {value!r}", f"type: {usage(verb)}"
        ) from None
