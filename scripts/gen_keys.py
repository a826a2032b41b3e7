"""Write docs/keys.md from the command registry; with --check, fail if it is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from ipc.operator import SUPERVISOR, VERBS
from tui.commands import COMMANDS, key_name, usage

TARGET = Path(__file__).resolve().parent.parent / "docs" / "keys.md"

HEAD = """\
# Keys and commands

<!-- Made by scripts/gen_keys.py from tui/commands.py and ipc/operator.py. -->

Keys of the terminal UI. `Ctrl+P` searches all of them, `?` shows them on screen. Actions
marked * change the show and are refused with `--readonly`.
"""

OWN = """\

`Escape` closes what is open: the line being typed, a page, the zoom, the filter, and at last
goes back to the newest line. `Ctrl+C` and `Ctrl+Q` ask to quit, like `q`; none of these three
can be given to another action. Quitting detaches unless you choose to stop the show, and
closing the terminal always only detaches. `D` is upper case so that it is one key, yet none
that is hit by accident. The mouse is left to the terminal, so its own selection works;
`c` copies by OSC 52, which also works over SSH.

Below 110 columns or 32 rows the panes are on four tabs. Over a slow line use `ssh -C`: the
screen compresses to a few per cent.

## Your own keys

Name the action in `config.toml`; a key is a character or a name such as `f5` or `ctrl+t`:

```toml
[ui.keys]
skip = "x"
```

## Commands

All operator commands, as typed after `:` and for `spark-tui ctl`.

| command | does | by | changes the show |
|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    lines = [HEAD]
    for group in dict.fromkeys(command.group for command in COMMANDS):
        lines.append(f"## {group}\n\n| key | action | does |\n|---|---|---|")
        for command in COMMANDS:
            if command.group == group:
                mark = " *" if command.changes else ""
                lines.append(
                    f"| `{key_name(command.key)}` | `{command.id}`{mark} | {command.summary} |"
                )
        lines.append("")
    text = "\n".join(lines).rstrip() + "\n" + OWN
    for verb in VERBS.values():
        owner = "supervisor" if verb.owner == SUPERVISOR else verb.owner
        changes = "yes" if verb.changes else "no"
        text += f"| `{usage(verb)}` | {verb.summary} | {owner} | {changes} |\n"
    return text


def main() -> int:
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(render(), encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == render():
        return 0
    print("docs/keys.md is out of date; run: python scripts/gen_keys.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
