"""What keys and palette do: one function for each command of ``tui.commands``.

A function gets the app and asks the show for something, or changes what is looked at. What
it acts on is settled when the key is pressed, whatever arrives while a question is open.
"""

from __future__ import annotations

from tui.actions import approvals, screen, steering, viewers
from tui.actions.act import Act

ACTIONS: dict[str, Act] = {
    **steering.ACTIONS,
    **viewers.ACTIONS,
    **approvals.ACTIONS,
    **screen.ACTIONS,
}
"""By the id of the command."""
