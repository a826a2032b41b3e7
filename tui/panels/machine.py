"""Status line, workers, the memory of the whole show, log and footer."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ipc.protocol import WorkerEvent
from ipc.states import ShowMode, WorkerState
from ipc.trace import TARGETS_MS, percentile
from tui.commands import COMMANDS, key_name
from tui.model.lines import LogEntry
from tui.model.show import Show
from tui.model.text import clean, cut, fit, fit_right, wrap_at_most
from tui.model.view import TABS, View
from tui.panels.marks import (
    LEVEL_MARKS,
    LOST_MARK,
    MODE_MARKS,
    SHOW_MARKS,
    WORKER_MARKS,
    bar,
    duration,
    gigabytes,
    latency,
    persona_style,
    sparkline,
    usage_style,
)
from tui.panels.pane import plain, title
from tui.panels.talk import Clock

SPAN_OF = {
    "llm": "llm_first_token",
    "tts": "tts_first_audio",
    "stage": "playout",
    "director": "dead_air",
    "memory": "recall",
}
"""The latency shown in a worker's row."""


def draw_status(show: Show, view: View, width: int, now: float) -> Text:
    """The most important first; what does not fit whole is left out."""
    glyph, word, style = LOST_MARK if show.lost else SHOW_MARKS[show.state]
    line = plain(" ")
    line.append(f"{glyph} {word}", style)
    parts: list[Text] = []
    if show.mode is not ShowMode.OPEN:
        mark, name, how = MODE_MARKS[show.mode]
        parts.append(
            plain(cut(f"{mark} {name} {show.mode_reason}".strip(), max(14, width // 2)), how)
        )
    if show.approvals:
        parts.append(plain(f"{len(show.approvals)} to approve", "bold yellow"))
    if view.readonly:
        parts.append(plain("READ-ONLY", "bold magenta"))
    if show.muted and word != "MUTED":
        parts.append(plain("muted", "yellow"))
    if show.started_at and not show.lost:
        parts.append(plain(duration(now - show.started_at)))
    if show.persona:
        parts.append(plain(show.persona, f"bold {persona_style(show.persona, show.personas)}"))
    parts += _steering(show)
    if (p95 := show.p95("dead_air")) is not None:
        target = TARGETS_MS["dead_air"]
        late = p95 > target
        parts.append(_pair("p95", f"{latency(p95)}/{target:.0f} ms", "red" if late else "green"))
    if show.meter is not None:
        used, budget = show.meter.used_mb, show.meter.budget_mb
        fraction = used / budget if budget else 0.0
        text = f"{gigabytes(used)}/{gigabytes(budget)}"
        parts.append(_pair("mem", text, usage_style(fraction)))
    parts.append(_pair("queue", str(show.queued), "yellow" if show.queued > 20 else ""))
    if show.overlay_url:
        parts.append(_pair("overlay", show.overlay_url, "underline"))
    if show.profile:
        parts.append(_pair("profile", show.profile, ""))
    if show.reason and show.held:
        parts.insert(0, plain(cut(show.reason, 30), "yellow"))
    for part in parts:
        if line.cell_len + 3 + part.cell_len <= width - 1:
            line.append(" │ ", "dim")
            line.append_text(part)
    return line


def _steering(show: Show) -> list[Text]:
    """What the operator has set and would wonder about later."""
    parts = []
    if show.slow_s:
        parts.append(_pair("slow", f"{show.slow_s:g} s", "yellow"))
    if show.delay_s:
        parts.append(_pair("delay", f"{show.delay_s:g} s", "yellow"))
    if show.whisper:
        parts.append(_pair("whisper", cut(show.whisper, 14), "magenta"))
    if show.topic:
        parts.append(_pair("topic", cut(show.topic, 16), ""))
    return parts


def _pair(name: str, value: str, style: str) -> Text:
    text = plain(f"{name} ", "dim")
    text.append(value, style)
    return text


def draw_tabs(show: Show, view: View, width: int) -> Text:
    """Tab bar of the small screen, with a mark where something new waits."""
    new = {
        "show": view.tab != "show" and show.chat_count > view.chat_seen,
        "log": view.tab != "log" and show.log_count > view.log_seen,
    }
    line = plain(" ")
    for number, tab in enumerate(TABS, start=1):
        here = tab == view.tab
        text = f" {number} {tab.capitalize()} "
        line.append(text, "bold reverse" if here else "")
        if tab == "approve" and show.approvals:
            line.append(f"{len(show.approvals)} ", "bold yellow")
        else:
            line.append("•" if new.get(tab) else " ", "yellow")
    line.truncate(width)
    return line


def draw_workers(show: Show, view: View, width: int, height: int) -> list[Text]:
    """One row a worker, with a second one for the reason where there is room; then the total."""
    names = show.worker_names
    ready = sum(1 for name in names if show.workers[name].state is WorkerState.READY)
    focused = view.focus == "workers"
    note = "as last seen" if show.lost else f"{ready} of {len(names)} ready"
    head = title("Workers", width, focused=focused, note=note)
    double = width < 120 and height >= 2 * len(names) + 3
    chosen = view.selected_worker(show) if focused else ""
    body: list[Text] = []
    for name in names:
        worker = show.workers[name]
        row = _worker_row(show, worker, width, with_reason=not double)
        if name == chosen:
            row = plain(fit(row.plain, width), "reverse")
        body.append(row)
        if double:
            body.append(plain(f"   {cut(_about(worker), width - 4)}", _about_style(worker)))
    if not body:
        body = [plain(cut(" waiting for the supervisor", width), "dim")]
    return [head, *body[: max(0, height - 2)], _total(show, width)]


def _about(worker: WorkerEvent) -> str:
    """Why it is as it is: loading progress, reason, or what it runs on."""
    parts = []
    if worker.state is WorkerState.STARTING and (worker.progress or worker.fraction is not None):
        percent = f"{worker.fraction:.0%} " if worker.fraction is not None else ""
        parts.append(f"{percent}{clean(worker.progress)}")
    elif worker.reason and worker.state is not WorkerState.READY:
        parts.append(clean(worker.reason))
    elif worker.state.serves:
        parts.extend(_detail(name, value) for name, value in worker.details.items() if value)
    if worker.state is WorkerState.BACKOFF and worker.retry_in_s:
        parts.append(f"again in {worker.retry_in_s:.0f} s")
    return " · ".join(part for part in parts if part)


def _detail(name: str, value: str) -> str:
    """``memories 214``; an address speaks for itself."""
    value = clean(value, 60)
    return value if "://" in value or value.startswith(name) else f"{clean(name, 20)} {value}"


def _about_style(worker: WorkerEvent) -> str:
    if worker.state in (WorkerState.FAILED, WorkerState.BACKOFF):
        return "red"
    return "yellow" if worker.state is WorkerState.DEGRADED else "dim"


def _worker_row(show: Show, worker: WorkerEvent, width: int, *, with_reason: bool) -> Text:
    glyph, style = WORKER_MARKS[worker.state]
    wide = width >= 110
    row = plain(" ")
    row.append(glyph, style)
    row.append(f" {fit(clean(worker.name), 9)}", "bold")
    row.append(fit(worker.state.value, 9), style)
    row.append(" ")
    bar_cells, spark_cells = (14, 20) if wide else (8, 10) if width >= 70 else (4, 4)
    row.append_text(_memory(show, worker, bar_cells))
    row.append(" ")
    trouble = with_reason and worker.state is not WorkerState.READY and bool(_about(worker))
    if not trouble:  # where there is trouble its reason matters more than old latencies
        row.append_text(_latency(show, worker, spark_cells, wide=wide))
    row.append(
        f" ↻{worker.restarts:<2}" if worker.restarts else "    ",
        "yellow" if worker.restarts else "",
    )
    if with_reason and (room := width - row.cell_len - 1) > 8:
        row.append(" ")
        row.append(cut(_about(worker), room - 1), _about_style(worker))
    row.truncate(width)
    return row


def _memory(show: Show, worker: WorkerEvent, cells: int) -> Text:
    meter = show.meter.workers.get(worker.name) if show.meter else None
    if meter is None or not worker.pid or not meter.budget_mb:
        line = plain("─" * cells, "dim")
        line.append(" " * 12)
        return line
    line = bar(meter.memory_mb / meter.budget_mb, cells)
    line.append(fit_right(gigabytes(meter.memory_mb), 6))
    line.append(fit(f"/{gigabytes(meter.budget_mb)}", 6), "dim")
    return line


def _latency(show: Show, worker: WorkerEvent, cells: int, *, wide: bool) -> Text:
    span = SPAN_OF.get(worker.name, "")
    values = show.spans.get(span)
    name_cells = 16 if wide else 0
    if not values:
        return plain(" " * (cells + 12 + name_cells))
    target = TARGETS_MS.get(span)
    line = sparkline(values, cells, target)
    p50 = percentile(list(values), 50)
    text = f"{latency(p50)}/{target:.0f}" if target else latency(p50)
    line.append(fit_right(text, 9), "red" if target and p50 > target else "")
    line.append(" ms", "dim")
    if wide:
        line.append(f" {fit(span, name_cells - 1)}", "dim")
    return line


def _total(show: Show, width: int) -> Text:
    """Unified memory: the whole show against its budget, and the machine around it."""
    meter = show.meter
    if meter is None:
        return plain(cut(" memory is measured soon", width), "dim")
    fraction = meter.used_mb / meter.budget_mb if meter.budget_mb else 0.0
    line = plain(" ")
    line.append(fit("  show memory", 21 if width >= 60 else 14), "bold")
    tail = plain(f" {gigabytes(meter.used_mb)}", usage_style(fraction))
    tail.append(f" of {gigabytes(meter.budget_mb)}", "dim")
    if width >= 70:
        host = f" · machine {gigabytes(meter.host_used_mb)} of {gigabytes(meter.host_total_mb)}"
        tail.append(host, "dim")
    line.append_text(bar(fraction, max(4, min(60, width - line.cell_len - tail.cell_len - 2))))
    line.append_text(tail)
    return line


def draw_log(show: Show, view: View, width: int, height: int, clock: Clock) -> list[Text]:
    """Notices, worker changes and what operators did; newest at the bottom."""
    problems = sum(1 for entry in show.log if entry.level != "info")
    note = f"{problems} to look at" if problems else ""
    if view.log_back:
        note = f"{view.log_back} newer · End"
    head = title("Log", width, focused=view.focus == "log", note=note)
    room = height - 1
    body: list[Text] = []
    entries = list(show.log)[: len(show.log) - view.log_back or None]
    for entry in reversed(entries):
        body[:0] = _log_rows(entry, width, 2 if room >= 6 else 1, clock)
        if len(body) >= room:
            break
    if not body:
        body = [plain(cut(" all quiet", width), "dim")]
    return [head, *body[-room:]] if room > 0 else [head]


def _log_rows(entry: LogEntry, width: int, most: int, clock: Clock) -> list[Text]:
    glyph, style = LEVEL_MARKS.get(entry.level, LEVEL_MARKS["info"])
    text = f"{entry.text} — {entry.hint}" if entry.hint else entry.text
    source = fit(entry.source, 10)
    rows = []
    for number, row in enumerate(wrap_at_most(text, max(4, width - 21), most)):
        line = plain(" ")
        if number == 0:
            line.append(clock(entry.at), "dim")
            line.append(f" {glyph} ", style)
            line.append(source, "dim")
            line.append(" ")
        else:
            line.append(" " * 19)
        line.append(row, style)
        rows.append(line)
    return rows


def draw_footer(view: View, keys: Mapping[str, str], width: int) -> Text:
    """The answer to the last key, or the most useful keys for this width."""
    if view.hint:
        glyph, style = LEVEL_MARKS.get(view.hint_level, LEVEL_MARKS["info"])
        return plain(cut(f" {glyph} {view.hint}", width), style)
    line = plain(" ")
    pointing = view.focus == "chat" and view.cursor
    around = {"", "line" if pointing else view.focus}
    shown = [c for c in COMMANDS if c.footer and c.pane in around]
    # the panic key, then what is about the very thing that is selected, then the rest
    for command in sorted(shown, key=lambda c: (c.footer > 1 and c.pane in ("", "chat"), c.footer)):
        key = key_name(keys[command.id])
        text = f"{key} {command.short}"
        if line.cell_len + len(text) + 2 > width:
            break
        disabled = command.changes and view.readonly
        line.append(key, "dim strike" if disabled else "bold cyan")
        line.append(f" {command.short}  ", "dim strike" if disabled else "")
    line.rstrip()
    return line
