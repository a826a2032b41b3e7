"""Category unit: events to state, and text of strangers to cells."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from fake_show import careful, meter, opening, worker
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ipc.protocol import (
    Approval,
    ApprovalsEvent,
    AuditEvent,
    ChatEvent,
    ChatOutcomeEvent,
    ChatRemovedEvent,
    ClauseEvent,
    NoticeEvent,
    ShowEvent,
    Snapshot,
    TokenEvent,
    TraceEvent,
    TurnEvent,
)
from ipc.states import ShowState, TurnOutcome, WorkerState
from tui.commands import keymap
from tui.model import show as model
from tui.model.show import Show
from tui.model.text import _HARMLESS, clean, cut, fit, fit_right, wrap, wrap_at_most
from tui.model.view import View
from tui.panels.approve import draw_approvals
from tui.panels.chat import draw_chat
from tui.panels.machine import draw_footer, draw_status, draw_workers
from tui.panels.marks import (
    MODE_MARKS,
    OUTCOME_MARKS,
    SHOW_MARKS,
    bar,
    duration,
    gigabytes,
    latency,
    platform_mark,
    role_mark,
    sparkline,
)
from tui.panels.talk import draw_tokens, draw_transcript

ANY_TEXT = st.text(max_size=200)


@given(ANY_TEXT)
def test_cleaned_text_has_nothing_to_obey(text: str) -> None:
    assert not {unicodedata.category(c) for c in clean(text)} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(clean(text)) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert clean(clean(text)) == clean(text)


def test_what_passes_unlooked_at_has_nothing_to_obey() -> None:
    """The quick way through ``clean`` lets nothing pass that the slow one would drop."""
    for code in range(sys.maxunicode + 1):
        if _HARMLESS.fullmatch(chr(code)):
            assert unicodedata.category(chr(code))[0] not in "CM", hex(code)
    assert _HARMLESS.fullmatch("Grüße, こんばんは！ привет 🎉 “hi”")


def test_cleaning_is_bounded_and_keeps_letters() -> None:
    assert len(clean("x" * 100_000)) == 2001
    assert clean("a\tb\nc\x1b[31md") == "a b c[31md"
    assert clean("e\u0301 नमस्ते 👩‍🚀") == "e\u0301 नमस्ते 👩‍🚀"
    assert len(clean("z" + "\u0300" * 1000)) == 5


@given(ANY_TEXT, st.integers(0, 40))
def test_cut_and_fit_measure_cells(text: str, width: int) -> None:
    text = clean(text)
    assert cell_len(cut(text, width)) <= width
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


@given(ANY_TEXT, st.integers(2, 40), st.integers(1, 4))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int, most: int) -> None:
    text = clean(text)
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(wrap_at_most(text, width, most)) <= most
    assert all(cell_len(line) <= width for line in wrap_at_most(text, width, most))


def chat(number: int, text: str = "hi") -> ChatEvent:
    return ChatEvent(id=f"m{number}", platform="console", author="ann", text=text, at=number)


def ready(**others: WorkerState) -> Show:
    show = Show()
    for name in ("stage", "tts", "llm", "memory", "director", "chat"):
        show.apply(worker(name, others.get(name, WorkerState.READY), 1.0))
    show.apply(ShowEvent(held=False, muted=False, persona="nova", personas=["nova"]))
    return show


def test_everything_stays_bounded() -> None:
    show = ready()
    for number in range(5000):
        show.apply(chat(number))
        show.apply(ChatOutcomeEvent(message_id=f"other {number}", outcome=TurnOutcome.SHED))
        show.apply(TurnEvent(turn=number, source="chat", persona="nova"))
        show.apply(TokenEvent(turn=1, text="word " * 10))
        show.apply(ClauseEvent(turn=number, clause=0, speaker="Nova", text="x", heard=1.0))
        show.apply(NoticeEvent(level="info", source="x", text="y"))
        show.apply(
            TraceEvent(
                turn=number, outcome=TurnOutcome.PLAYED, source="chat",
                spans_ms={"recall": 1.0}, reply="", generated="",
            )
        )  # fmt: skip
    assert len(show.chat) == model.CHAT_LINES
    assert len(show.turns) == model.TURNS
    assert len(show.clauses) == model.CLAUSES
    assert len(show.log) == model.LOG_LINES
    assert len(show.tokens) == model.TOKEN_CHARS
    assert len(show.spans["recall"]) == model.SERIES
    assert len(show._early) == model.OUTCOMES_AHEAD
    assert show.chat_count == 5000


def test_a_reply_prepared_in_vain_strikes_nothing_out() -> None:
    """Its trace comes while the reply before it is still being spoken."""
    show = Show()
    show.apply(ClauseEvent(turn=1, clause=0, speaker="Nova", text="Well now.", heard=0.0))

    def over(turn: int, outcome: TurnOutcome, reply: str) -> None:
        show.apply(
            TraceEvent(
                turn=turn, outcome=outcome, source="chat", spans_ms={}, reply=reply, generated="x"
            )
        )

    over(2, TurnOutcome.SKIPPED, "")
    assert not show.clauses[1, 0].over
    over(3, TurnOutcome.PLAYED, "Oh!")  # its own trace was lost
    assert show.clauses[1, 0].over


def test_an_outcome_may_come_before_its_line() -> None:
    show = Show()
    show.apply(ChatOutcomeEvent(message_id="m1", outcome=TurnOutcome.BLOCKED, reason="words"))
    show.apply(chat(1))
    assert (show.chat["m1"].outcome, show.chat["m1"].reason) == (TurnOutcome.BLOCKED, "words")


def test_what_is_removed_stays_removed() -> None:
    show = Show()
    for number in range(3):
        show.apply(chat(number))
    show.apply(ChatOutcomeEvent(message_id="m0", outcome=TurnOutcome.PLAYED, turn=4))
    show.apply(ChatRemovedEvent(platform="console", message_ids=["m0", "m9"], reason="spam"))
    show.apply(ChatOutcomeEvent(message_id="m1", outcome=TurnOutcome.REMOVED, reason="deleted"))
    show.apply(ChatOutcomeEvent(message_id="m1", outcome=TurnOutcome.SHED, reason="late"))
    assert [line.removed for line in show.chat.values()] == [True, True, False]
    assert [line.reason for line in show.chat.values()] == ["spam", "deleted", ""]
    assert show.chat["m0"].turn == 4
    show.apply(ChatRemovedEvent(platform="twitch", everything=True))
    assert not show.chat["m2"].removed
    show.apply(ChatRemovedEvent(platform="console", everything=True))
    assert show.chat["m2"].removed


def test_a_line_the_gate_doubts_waits_for_a_person() -> None:
    show = Show()
    show.apply(ChatEvent(id="m", platform="p", author="a", text="t", at=1, held_why="an address"))
    assert show.chat["m"].outcome is TurnOutcome.HELD
    show.apply(ChatOutcomeEvent(message_id="m", outcome=TurnOutcome.PLAYED))
    assert show.chat["m"].outcome is TurnOutcome.PLAYED


def test_a_mended_gap_keeps_what_is_pointed_at_and_a_new_show_does_not() -> None:
    show = Show(epoch="one")
    show.apply(chat(1))
    show.pause()
    show.reset(Snapshot(epoch="one", sequences={}, events=[]))
    assert show.line("m1") is not None
    show.reset(Snapshot(epoch="two", sequences={}, events=[]))
    assert show.line("m1") is None


def test_platforms_and_approvals_stay_bounded() -> None:
    show = Show()
    for number in range(1000):
        show.apply(ChatEvent(id=f"{number}", platform=f"p{number}", author="a", text="t", at=1.0))
    items = [Approval(id=f"{number}", kind="line", text="x", why="y") for number in range(1000)]
    show.apply(ApprovalsEvent(items=items))
    assert len(show.platforms) == model.PLATFORMS
    assert list(show.approvals) == [str(n) for n in range(1000 - model.APPROVALS, 1000)]


def test_workers_that_are_switched_off_have_no_row() -> None:
    names = ready().worker_names
    assert ready(memory=WorkerState.DISABLED).worker_names == [n for n in names if n != "memory"]


@pytest.mark.parametrize(
    ("show", "state"),
    [
        (Show(), ShowState.STARTING),
        (ready(), ShowState.ON_AIR),
        (ready(memory=WorkerState.DISABLED), ShowState.ON_AIR),
        (ready(llm=WorkerState.STARTING), ShowState.STARTING),
        (ready(tts=WorkerState.FAILED), ShowState.DEGRADED),
        (ready(tts=WorkerState.BACKOFF), ShowState.DEGRADED),
    ],
)
def test_state_of_the_show(show: Show, state: ShowState) -> None:
    assert show.state is state


def test_the_worst_state_wins() -> None:
    show = ready(tts=WorkerState.FAILED)
    show.apply(ShowEvent(held=False, muted=True, persona="nova", personas=[]))
    assert show.state is ShowState.MUTED
    show.apply(ShowEvent(held=True, muted=True, persona="nova", personas=[]))
    assert show.state is ShowState.HELD
    show.apply(AuditEvent(who="ann", verb="stop", args={}, ok=True))
    assert show.state is ShowState.STOPPING


def test_a_worker_that_comes_back_degrades_instead_of_starting() -> None:
    show = ready()
    show.apply(worker("llm", WorkerState.STARTING, 2.0, restarts=1))
    assert show.state is ShowState.DEGRADED
    assert show.log[-1].text == "ready → starting"


def test_tokens_begin_again_with_each_turn() -> None:
    show = Show()
    show.apply(TokenEvent(turn=1, text="old"))
    show.apply(TokenEvent(turn=2, text="new "))
    show.apply(TokenEvent(turn=2, text="words", done=True))
    show.apply(TokenEvent(turn=1, text="late", done=True))
    assert (show.token_turn, show.tokens, show.tokens_done) == (2, "new words", True)


def test_a_cut_reply_shows_what_was_not_heard() -> None:
    show = ready()
    for heard in (0.0, 0.5):
        show.apply(ClauseEvent(turn=1, clause=0, speaker="Nova", text="aaaa bbbb", heard=heard))
    line = draw_transcript(show, View(), 60, 10)[1]
    struck = [line.plain[s.start : s.end] for s in line.spans if "strike" in str(s.style)]
    assert struck == [" bbbb"]
    assert "▏" in line.plain


def test_a_withheld_clause_is_not_repeated_on_screen() -> None:
    show = ready()
    show.apply(
        ClauseEvent(turn=1, clause=0, speaker="Nova", text="slur", heard=0.0, verdict="drop")
    )
    text = "".join(line.plain for line in draw_transcript(show, View(), 60, 10))
    assert "slur" not in text
    assert "withheld" in text
    show.apply(
        ClauseEvent(
            turn=2, clause=0, speaker="Nova", text="555", heard=0.0, verdict="hold", why="a number"
        )
    )
    text = "".join(line.plain for line in draw_transcript(show, View(), 60, 10))
    assert "555" not in text
    assert "held for approval: a number" in text


def test_a_reply_whose_line_was_removed_says_so() -> None:
    show = ready()
    show.apply(TurnEvent(turn=1, source="chat", persona="nova", author="ann", text="rude words"))
    show.apply(ClauseEvent(turn=1, clause=0, speaker="Nova", text="Well,", heard=0.5))
    show.apply(
        TraceEvent(
            turn=1, outcome=TurnOutcome.REMOVED, source="chat", spans_ms={}, reply="", generated=""
        )
    )
    line = draw_transcript(show, View(), 60, 10)[1]
    struck = [line.plain[s.start : s.end] for s in line.spans if "strike" in str(s.style)]
    assert struck == ["ann: rude words"]
    assert line.plain.endswith("× removed")


def test_reset_forgets_everything() -> None:
    show = Show()
    for event in opening(1000.0):
        show.apply(event)
    show.reset(Snapshot(epoch="two", sequences={}, events=[], started_at=5.0))
    assert show == Show(epoch="two", started_at=5.0)


@given(
    st.integers(1, 220), st.integers(1, 70), st.sampled_from(["chat", "workers", "log", "approve"])
)
def test_no_size_breaks_a_pane(width: int, height: int, focus: str) -> None:
    show = Show()
    for event in careful(1000.0):
        show.apply(event)
    view = View(focus=focus, cursor="m20")
    panes = (
        draw_chat(show, view, width, height, str, 1000.0),
        draw_approvals(show, view, width, height, 1000.0),
        draw_transcript(show, view, width, height),
        draw_tokens(show, view, width, height),
        draw_workers(show, view, width, max(3, height)),
    )
    for lines in panes:
        assert len(lines) <= max(3, height)
    assert draw_status(show, view, max(width, 20), 2000.0).cell_len <= max(width, 20)
    for line in panes[-1]:
        assert width < 60 or line.cell_len <= width


def test_cursor_survives_lines_that_go_away() -> None:
    show, view = Show(), View(cursor="gone")
    view.move(show, -1)
    assert view.cursor == ""
    for number in range(3):
        show.apply(chat(number))
    view.move(show, -1)
    assert view.cursor == "m2"
    view.move(show, -10)
    assert view.cursor == "m0"
    view.move(show, 99)
    assert view.cursor == ""


def test_marks() -> None:
    assert bar(0.5, 8).plain == "━━━━────"
    assert bar(7.0, 4).plain == "━━━━"
    assert sparkline([0, 50, 100, 400], 6, 100).plain == "  ▁▃▅█"
    assert sparkline([], 3, None).plain == "   "
    assert (gigabytes(93.2), gigabytes(1024), gigabytes(102400)) == ("93M", "1.0G", "100G")
    assert (duration(65), duration(3725)) == ("01:05", "1:02:05")
    assert (latency(268.4), latency(27_838)) == ("268", "28s")
    assert meter(1.0).budget_mb == 102400


def test_footer_fits_every_width() -> None:
    keys = keymap({})
    for width in range(20, 200):
        for pane in ("chat", "approve", "workers", "log"):
            assert draw_footer(View(focus=pane), keys, width).cell_len <= width


def test_footer_tells_the_keys_of_the_focused_pane() -> None:
    keys = keymap({})
    assert "X delete" not in draw_footer(View(focus="chat"), keys, 140).plain
    pointing = draw_footer(View(focus="chat", cursor="m1"), keys, 80).plain
    assert "X delete  T timeout  B ban  U undo" in pointing
    assert pointing.startswith(" D DUMP")
    assert "N deny" in draw_footer(View(focus="approve"), keys, 80).plain
    assert "X delete" not in draw_footer(View(focus="approve"), keys, 140).plain
    assert draw_footer(View(focus="log"), keys, 80).plain.startswith(" D DUMP")


def test_no_colour_and_no_glyph_is_needed_alone() -> None:
    for marks in (OUTCOME_MARKS, MODE_MARKS, SHOW_MARKS):
        for glyph, word, _ in marks.values():
            assert cell_len(glyph) == 1
            assert word
    assert role_mark(["subscriber", "moderator"], first=True) == ("M", "bold green")
    assert role_mark(["subscriber"], first=True)[0] == "1"
    assert role_mark([], first=False)[0] == " "
    assert [platform_mark(name)[0] for name in ("twitch", "", "漢")] == ["t", "?", "?"]
