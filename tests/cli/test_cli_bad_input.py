"""cli: each bad input gets one message that names place and mend, and its exit code."""

import json
import os
import socket

import pytest
from cli_place import refused

from ipc.endpoints import ShowLock
from ipc.errors import (
    EXIT_ALREADY_RUNNING,
    EXIT_CANNOT_CREATE,
    EXIT_CONFIG,
    EXIT_NO_SHOW,
    EXIT_USAGE,
)
from tui.start import StartFailed, start


def test_no_terminal(place):
    refused(place.run(), EXIT_USAGE, "needs a terminal", "--no-ui")
    assert not place.state.exists()


def test_no_show(place):
    for words in (["status"], ["stop"], ["ask", "hi"], ["attach"], ["ctl", "hold"]):
        refused(place.run(*words), EXIT_NO_SHOW, "no show runs", "start one with: spark-tui")


def test_no_show_as_json(place):
    done = place.run("status", "--json")
    assert json.loads(done.stdout)["exit_code"] == EXIT_NO_SHOW


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[llm]\nthreds = 1\n", ["line 2", "llm.threds", "'threads'"]),
        ("[llm]\nthreads = 'x'\n", ["line 2", "llm.threads", "int"]),
        ("[supervisor]\nmemory_budget_gb = 1\n", ["together", "memory_budget_gb"]),
        ("[show]\npersona = 'nvoa'\n", ["line 2", "'nova'"]),
    ],
)
def test_bad_configuration(place, text, words):
    place.config.write_text(text, encoding="utf-8")
    refused(place.run("--no-ui"), EXIT_CONFIG, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gate.tighten]\npersona = 'umbar'\n", ["line 2", "'umbar'", "'umbra'"]),
        ("[gate.tighten]\nto = 'safe'\n", ["line 2", "gate.tighten.persona"]),
        ("[chat.twitch]\nsource = 'ircc'\n", ["line 2", "chat.twitch.source"]),
    ],
)
def test_bad_moderation_settings(place, text, words):
    place.config.write_text(text, encoding="utf-8")
    refused(place.run("--no-ui"), EXIT_CONFIG, *words)


def test_platforms_are_for_starting_a_show(place):
    for option in (("--twitch", "mira"), ("--youtube", "dQw4w9WgXcQ")):
        refused(place.run(*option, "status"), EXIT_USAGE, option[0], "'status' does not")


def test_missing_configuration_file(place):
    done = place.run("--config", "/nope.toml", "--no-ui", config=False)
    refused(done, EXIT_CONFIG, "/nope.toml", "--config")


def test_bad_profile(place):
    done = place.run("--profile", "scritped", "--no-ui", config=False)
    refused(done, EXIT_CONFIG, "'scritped'", "'scripted'")


def test_bad_environment(place):
    env = {"SPARK_VTUBER__STAGE__OVERLAY_PROT": "1"}
    refused(place.run("--no-ui", env=env), EXIT_CONFIG, env.popitem()[0], "'overlay_port'")


def test_port_in_use(place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place.config.write_text(f"[stage]\noverlay_port = {port}\n", encoding="utf-8")
        with pytest.raises(StartFailed) as caught:
            start(place.show())
    assert caught.value.exit_code == EXIT_CONFIG
    assert str(port) in caught.value.message
    assert "stage.overlay_port" in caught.value.hint


def test_a_second_show_on_the_same_state_directory(place):
    lock = ShowLock(place.show().endpoints)
    with pytest.raises(StartFailed) as caught:
        start(place.show())
    lock.release()
    assert caught.value.exit_code == EXIT_ALREADY_RUNNING
    assert f"pid {os.getpid()}" in caught.value.message
    assert "spark-tui attach" in caught.value.hint


def test_a_runtime_path_too_long(place):
    done = place.run("--no-ui", env={"XDG_RUNTIME_DIR": "/tmp/" + "x" * 100})
    assert done.returncode == EXIT_CANNOT_CREATE
    assert "the system allows 107" in done.stderr
    assert "XDG_RUNTIME_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_directory_that_is_a_file(place):
    place.state.write_text("", encoding="utf-8")
    done = place.run("--no-ui")
    assert done.returncode == EXIT_CANNOT_CREATE
    assert "--state" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_offers_the_nearest(place):
    refused(place.run("ctl", "hlod"), EXIT_USAGE, "'hlod'", "'hold'")


def test_arguments_of_verbs(place):
    refused(place.run("ctl", "sound", "x"), EXIT_USAGE, "turn must be a number", "ctl sound TURN")
    refused(place.run("ctl", "skip", "x"), EXIT_USAGE, "does not take 'x'")
    refused(place.run("ctl", "say"), EXIT_USAGE, "say needs text", "ctl say TEXT...")
    refused(place.run("ctl", "chat", "hi", "--author"), EXIT_USAGE, "--author needs a value")


def test_an_unknown_worker_has_no_log(place):
    refused(place.run("logs", "sage"), EXIT_USAGE, "'sage'", "stage")


def test_no_log_yet(place):
    refused(place.run("logs", "stage"), EXIT_NO_SHOW, "stage.log")


def test_options_that_start_nothing(place):
    refused(place.run("--demo", "status"), EXIT_USAGE, "'status' does not")


def test_an_unknown_option_is_no_traceback(place):
    done = place.run("--nonsense")
    assert done.returncode == EXIT_USAGE
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locale_without_the_character_is_no_traceback(place):
    env = {"PYTHONIOENCODING": "ascii:strict"}
    refused(place.run("ctl", "hóld", env=env), EXIT_USAGE, "did you mean 'hold'")
