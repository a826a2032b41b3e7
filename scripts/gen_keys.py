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
closing the terminal always only detaches. What cannot easily be taken back is upper case, so
that it is one key, yet none that is hit by accident. The mouse is left to the terminal, so its
own selection works; `c` copies by OSC 52, which also works over SSH.

**Chat.** An arrow selects a line, and from then on chat stands still, so that nothing slips
away under the cursor; its title says how much has come in since. `End` lets it go on. The keys
that do something to a line or its viewer need a selected one: they never act on "the newest",
which is another one by the time the key is down. Banning and silencing ask first, and what they
act on is settled when the key is pressed. Before a name stand the platform, once there are
several, and what the viewer is; `?` explains the marks.

**Approvals.** What waits for a person has a pane of its own: at 140 columns beside the chat as
long as something waits, on a small screen the fifth tab, which counts them. From elsewhere `a`,
`e` and `N` only go there; there they act on the selected one, and on no other: if it has gone
meanwhile, you select again.

**Pasting.** A text is pasted into an open line (`i`, `y`, `:` ...). Without one it is ignored,
also from terminals that type it key by key.

Below 110 columns or 32 rows the panes are on five tabs. Over a slow line use `ssh -C`: the
screen compresses to a few per cent. In a flood chat is drawn once or twice a second.

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
