"""``spark-tui``: the command line. docs/cli.md lists commands, exit codes and JSON.

Commands only parse and print; what they do is in ``start``, ``ask``, ``ctl``, ``doctor``
and ``bench``. Textual is imported when the terminal UI is shown, and never otherwise.
"""

from __future__ import annotations

import io
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ipc.config import WORKERS
from ipc.endpoints import default_state_dir, running_pid
from ipc.errors import EXIT_FAILURE, NoShowRunning, RequestFailed, SparkError, UsageError
from ipc.operator import VERBS
from tui import ask as asking
from tui import ctl as verbs
from tui import output, start
from tui.start import Show

DEMO_ENV = "SPARK_VTUBER__CHAT__REPLAY"
TWITCH_ENV = "SPARK_VTUBER__CHAT__TWITCH__CHANNEL"
YOUTUBE_ENV = "SPARK_VTUBER__CHAT__YOUTUBE__VIDEO"
_LOG_LINES = 200

app = typer.Typer(
    name="spark-tui",
    help="An AI VTuber for one box: start it, watch it, steer it.",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"spark-tui {version('spark-vtuber')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def show_and_watch(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help="Profile of the configuration.")] = "",
    config: Annotated[Path | None, typer.Option(help="Configuration file.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Directory for what the show remembers and writes.")
    ] = None,
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="Run the show here, without a terminal UI.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Replay the bundled sample chat.")] = False,
    twitch: Annotated[
        str, typer.Option(metavar="CHANNEL", help="Read this Twitch chat; no account is needed.")
    ] = "",
    youtube: Annotated[
        str, typer.Option(metavar="VIDEO", help="Read the chat of this YouTube live video.")
    ] = "",
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Start the show if none runs, and watch it. Closing the terminal does not stop it."""
    show = Show(
        state_dir=(state or default_state_dir()).absolute(),
        config_file=config.absolute() if config else None,
        profile=profile,
    )
    context.obj = show
    if context.invoked_subcommand is not None:
        if no_ui or demo or twitch or youtube:
            raise UsageError(
                "--no-ui, --demo, --twitch and --youtube start a show; "
                f"{context.invoked_subcommand!r} does not"
            )
        return
    for variable, value in (
        (DEMO_ENV, "sample" if demo else ""),
        (TWITCH_ENV, twitch),
        (YOUTUBE_ENV, youtube),
    ):
        if value:  # quoted: a channel may be called 123
            os.environ[variable] = json.dumps(output.typed(value))
    if no_ui:
        show.load()
        start.become_supervisor(show)
    _need_terminal()
    if not start.is_running(show):
        output.note("Starting the show ...")
        start.start(show)
    elif profile or config or demo or twitch or youtube:
        output.note(
            "A show runs already; --profile, --config, --demo, --twitch and --youtube are for "
            "starting one."
        )
    _watch(show, readonly=False)


@app.command()
def attach(
    context: typer.Context,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch without steering.")] = False,
) -> None:
    """Watch the show that runs."""
    show: Show = context.obj
    running_pid(show.endpoints)
    _need_terminal()
    _watch(show, readonly=readonly)


@app.command()
def stop(context: typer.Context) -> None:
    """End the show: finish what is being said, write everything, exit."""
    start.stop(context.obj)
    output.say("The show has ended.")


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """What the show and its workers are doing."""
    answer = start.request(context.obj, "status")
    if as_json:
        output.print_json(answer)
        return
    output.say(output.show_line(answer.get("show", {})))
    output.print_table(output.status_table(answer))
    if turns := answer.get("turns"):
        output.say("turns: " + ", ".join(f"{name} {value}" for name, value in turns.items()))
    output.say("spans: " + output.spans_line(answer.get("spans_ms", {})))


@app.command()
def ask(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What the viewer says.")],
    author: Annotated[str, typer.Option("--from", help="Name of the viewer.")] = "",
    wav: Annotated[Path | None, typer.Option(help="Write the sound of the reply here.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest wait, seconds.")] = 120.0,
    as_json: Json = False,
) -> None:
    """Send one viewer message and wait until the reply was heard."""
    show: Show = context.obj
    answer = asking.run(
        show.endpoints, output.typed(text), output.typed(author), wav and wav.absolute(), timeout
    )
    if as_json:
        output.print_json(answer)
    else:
        output.say(output.safe(answer.reply) or "(nothing was said)")
        if first := answer.spans_ms.get("chat_to_audio"):
            output.say(f"first sound after {first:.0f} ms, {answer.audio_s:.1f} s of sound")
        output.say(output.spans_line(answer.spans_ms))
        if answer.wav:
            output.say(f"sound written to {answer.wav}")
    if answer.outcome != "played":
        output.note(f"{answer.outcome}: {output.safe(answer.reason) or 'no reason given'}")
        raise typer.Exit(EXIT_FAILURE)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def ctl(
    context: typer.Context,
    verb: Annotated[str, typer.Argument(help="The command; without one, all are listed.")] = "",
    as_json: Json = False,
) -> None:
    """Every operator command: hold, mute, skip, say, restart ..."""
    if not verb:
        _list_verbs(as_json)
        return
    found = verbs.find_verb(output.typed(verb))
    args = verbs.parse(found, [output.typed(word) for word in context.args])
    try:
        result = start.request(context.obj, found.name, **args)
    except RequestFailed as error:
        if as_json:
            output.print_json({"ok": False, "error": error.message, "hint": error.hint})
            raise typer.Exit(error.exit_code) from None
        raise
    if as_json:
        output.print_json({"ok": True, "result": result})
    else:
        for line in output.result_lines(result):
            output.say(line)


def _list_verbs(as_json: bool) -> None:
    if as_json:
        listed = [
            {"verb": v.name, "usage": verbs.usage(v), "summary": v.summary, "changes": v.changes}
            for v in VERBS.values()
        ]
        output.print_json(listed)
        return
    width = max(len(verbs.usage(verb)) for verb in VERBS.values())
    for verb in VERBS.values():
        output.say(f"{verbs.usage(verb):<{width}}  {verb.summary}")


@app.command()
def logs(
    context: typer.Context,
    worker: Annotated[str, typer.Argument(help="A worker, or supervisor.")],
    as_json: Json = False,
) -> None:
    """The last lines a worker printed."""
    show: Show = context.obj
    if worker not in (*WORKERS, "supervisor"):
        raise UsageError(
            f"there is no worker {worker!r}", f"there is {', '.join(WORKERS)} and supervisor"
        )
    lines = _log_lines(show, worker)
    if as_json:
        output.print_json(lines)
    else:
        for line in lines:
            output.say(output.safe(line))


def _log_lines(show: Show, worker: str) -> list[str]:
    """From the show if it runs, otherwise from the file it left."""
    if worker != "supervisor":
        try:
            return _as_lines(start.request(show, "logs", worker=worker))
        except NoShowRunning:
            output.note("no show runs; this is what the last one left")
    file = show.state_dir / "logs" / f"{worker}.log"
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        raise NoShowRunning(
            f"there is no log {file}", "start a show with: spark-tui, or name its --state"
        ) from None


def _as_lines(result: Any) -> list[str]:
    if isinstance(result, dict):
        result = result.get("lines", [])
    return result.splitlines() if isinstance(result, str) else [str(line) for line in result]


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check machine, configuration, models and sockets, and say how to mend what is wrong."""
    from tui.doctor import examine, report  # noqa: PLC0415  # not needed by any other command

    findings = examine(context.obj)
    if as_json:
        output.print_json(findings)
    else:
        report(findings)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(EXIT_FAILURE)


@app.command()
def bench(
    turns: Annotated[
        int, typer.Option(min=0, help="Turns for each measure; 0 takes each measure's own.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Measure this machine against the bounds the show is held to."""
    from tui import bench as benchmark  # noqa: PLC0415  # not needed by any other command

    results = benchmark.measure_all(turns, output.note)
    if as_json:
        output.print_json(benchmark.as_json(results))
    else:
        benchmark.report(results)
    if not all(result.ok for result in results):
        raise typer.Exit(EXIT_FAILURE)


def _need_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the terminal UI needs a terminal, and this is none",
            "spark-tui --no-ui runs the show without one; spark-tui status looks at it",
        )


def _watch(show: Show, *, readonly: bool) -> None:
    ui = show.load().ui
    from tui.app import run  # noqa: PLC0415  # Textual is loaded for the UI only

    ending = run(show.endpoints, readonly=readonly, rate_hz=ui.rate_hz, keys=ui.keys)
    where = "" if show.state_dir == default_state_dir() else f"--state {show.state_dir} "
    if ending == "stopped":
        output.say("The show has ended.")
    else:
        output.say(f"The show goes on. Come back with: spark-tui {where}attach")


def main() -> None:
    """The console script. A SparkError becomes its sentence and exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in a locale that lacks a character
            stream.reconfigure(errors="replace")
    try:
        app()
    except SparkError as error:
        if "--json" in sys.argv[1:]:
            failure = {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}
            print(json.dumps(failure, ensure_ascii=False), flush=True)
        output.complain(error)
        sys.exit(error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        output.note(f"error: {place}{error.strerror or error}")
        sys.exit(EXIT_FAILURE)


if __name__ == "__main__":
    main()
