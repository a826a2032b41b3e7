"""``spark-tui doctor``: is this machine ready for the show, and if not, how to mend it.

Each check is one function that yields findings; none loads a model, and the only thing
made is the (empty) socket directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.table import Table
from rich.text import Text

from ipc.errors import SparkError
from tui.doctor import installation, machine, places, platforms
from tui.doctor.finding import Finding
from tui.output import print_table, safe
from tui.start import Show

__all__ = ["Finding", "examine", "report"]

Check = Callable[[Show], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    machine.python_version,
    machine.memory,
    machine.open_files,
    machine.gpu,
    installation.packages,
    installation.weights,
    installation.named_models,
    places.configuration,
    places.running_show,
    places.state_directory,
    platforms.secrets,
    platforms.platforms,
    platforms.obs,
    places.socket_directory,
    places.overlay_port,
    places.sound_device,
    places.browser,
)
_MARKS = {"ok": ("ok", "green"), "info": ("info", "cyan"), "warn": ("warn", "yellow")}


def examine(show: Show) -> list[Finding]:
    """Findings of all checks. One that cannot be made because of a SparkError fails with it."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check(show)
        except SparkError as error:
            name = check.__name__.replace("_", " ")
            findings.append(Finding(name, "fail", error.message, error.hint))
    return findings


def report(findings: list[Finding]) -> None:
    """The findings for a person, and one closing line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark, style = _MARKS.get(finding.level, ("FAIL", "red"))
        text = safe(finding.text)
        if finding.level in ("warn", "fail") and finding.mend:
            text = f"{text}\n→ {safe(finding.mend)}"
        table.add_row(Text(mark, style=style), finding.check, Text(text))
    print_table(table)
    failed = sum(finding.level == "fail" for finding in findings)
    warned = sum(finding.level == "warn" for finding in findings)
    if failed:
        print(f"{failed} to mend before the show can run, {warned} warnings")
    else:
        print(f"Ready for a show, {warned} warnings")
