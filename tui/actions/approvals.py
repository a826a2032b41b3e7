"""What waits for a person: approve, change, deny, read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipc.protocol import Approval
from tui.actions.act import Act
from tui.screens.pages import approval_lines

if TYPE_CHECKING:
    from tui.app import ShowApp


def go(app: ShowApp) -> None:
    """To the approvals, with the oldest selected if none is."""
    app.main.go_to("approve")
    if app.view.selected_approval(app.show) is None:
        app.view.move(app.show, 0)


def _target(app: ShowApp) -> Approval | None:
    """The item that was pointed at. From elsewhere the first press only goes there."""
    if not app.show.approvals:
        app.hint("nothing waits for a person")
        return None
    if app.view.focus != "approve":
        go(app)
        return None
    item = app.view.selected_approval(app.show)
    if item is None:
        app.hint("select with the arrows what you mean", "warning")
    return item


def approve(app: ShowApp) -> None:
    if (item := _target(app)) is not None:
        app.view.after_approval(app.show)
        app.submit("approve", id=item.id)


def deny(app: ShowApp) -> None:
    if (item := _target(app)) is not None:
        app.view.after_approval(app.show)
        app.submit("deny", id=item.id)


def edit(app: ShowApp) -> None:
    """Enter sends the words as they are then; Escape leaves the item where it is."""
    if (item := _target(app)) is None:
        return

    def typed(text: str) -> None:
        text = text.strip()
        if not text:
            app.hint("nothing was typed; N denies", "warning")
            return
        if app.view.approval == item.id:
            app.view.after_approval(app.show)
        if text == item.text.strip():
            app.submit("approve", id=item.id)
        else:
            app.submit("approve", id=item.id, text=text)

    app.main.open_line("edit › ", typed, item.text)


def inspect(app: ShowApp) -> None:
    item = app.view.selected_approval(app.show)
    if item is None:
        app.view.move(app.show, 0)
        item = app.view.selected_approval(app.show)
    if item is not None:
        app.page("Approval", approval_lines(item, app.clock))


ACTIONS: dict[str, Act] = {"approve": approve, "deny": deny, "edit": edit, "tab_approve": go}
