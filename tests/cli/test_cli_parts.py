"""cli: pure parts: arguments of verbs, safe output, results of the bench, generated docs."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from cli_place import SETTINGS, place_in
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ipc.errors import UsageError
from ipc.operator import VERBS
from tui import ctl
from tui.bench.result import Result
from tui.cli import app
from tui.doctor import CHECKS, examine
from tui.output import result_lines, safe, spans_line, typed
from tui.start import Show

ROOT = Path(__file__).resolve().parents[2]


def test_words_become_arguments():
    assert ctl.parse(VERBS["chat"], ["hello", "you", "--author", "Ada"]) == {
        "text": "hello you",
        "author": "Ada",
    }
    assert ctl.parse(VERBS["sound"], ["7"]) == {"turn": 7}
    assert ctl.parse(VERBS["say"], ["--", "--author"]) == {"text": "--author"}


@given(st.sampled_from(sorted(VERBS)), st.lists(st.text(max_size=12), max_size=5))
def test_any_words_are_arguments_or_a_usage_error(name, words):
    with contextlib.suppress(UsageError):
        args = ctl.parse(VERBS[name], words)
        assert set(args) <= {param.name for param in VERBS[name].params}


def test_every_verb_is_listed():
    listed = CliRunner().invoke(app, ["ctl"]).output
    for verb in VERBS.values():
        assert verb.summary in listed


@given(st.text())
def test_printed_text_holds_no_control_characters(text):
    assert all(c.isprintable() for c in safe(text))


@given(st.binary(max_size=60))
def test_shell_bytes_become_unicode_that_can_be_sent(data):
    typed(data.decode("utf-8", "surrogateescape")).encode("utf-8")


def test_results_are_readable():
    assert result_lines(None) == ["ok"]
    assert result_lines({"turn": 3, "pcm": b"1234"}) == ["turn: 3", "pcm: (4 bytes)"]
    assert spans_line({}) == "no turns yet"


def test_a_bound_is_a_ceiling_or_a_floor():
    assert Result("m", "p50", 4.9, 5, "ms", 1).ok
    assert not Result("m", "p50", 5, 5, "ms", 1).ok
    assert Result("m", "p50", 80, 80, "ms", 1, at_least=True).ok
    assert not Result("m", "p50", 79, 80, "ms", 1, at_least=True).ok


def test_doctor_tells_of_a_bad_configuration_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_VTUBER__LLM__THRADS", "1")
    findings = examine(Show(tmp_path / "state"))
    assert len({f.check for f in findings}) >= len(CHECKS) - 4  # some need the configuration
    (bad,) = [f for f in findings if f.level == "fail" and f.check == "configuration"]
    assert "SPARK_VTUBER__LLM__THRADS" in bad.text
    assert "'threads'" in bad.mend


def test_doctor_tells_what_the_secrets_allow(tmp_path, monkeypatch):
    """None, a file others may read, and one that is in order."""
    place = place_in(tmp_path, monkeypatch)
    place.config.write_text(
        SETTINGS + "[chat.twitch]\nchannel = 'mira'\n[chat.youtube]\nvideo = 'dQw4w9WgXcQ'\n",
        encoding="utf-8",
    )

    def told():
        findings = examine(place.show())
        return {
            (f.check, f.level): f"{f.text} {f.mend}"
            for f in findings
            if f.check in {"secrets", "platforms"}
        }

    before = told()
    assert "anonymously" in before["platforms", "info"]
    assert "youtube_key" in before["platforms", "fail"]
    place.state.mkdir()
    file = place.state / "secrets.toml"
    file.write_text('twitch_token = "hush"\nyoutube_token = "hush"\n', encoding="utf-8")
    file.chmod(0o644)
    assert "chmod 600" in told()["secrets", "fail"]
    file.chmod(0o600)
    after = told()
    assert ("platforms", "fail") not in after
    assert not any("hush" in text for text in after.values())


def test_doctor_tells_whether_obs_is_to_be_steered(tmp_path, monkeypatch):
    place = place_in(tmp_path, monkeypatch)

    def told():
        return [(f.level, f.text + f.mend) for f in examine(place.show()) if f.check == "obs"]

    place.config.write_text(SETTINGS, encoding="utf-8")
    assert told() == []
    place.config.write_text(SETTINGS + "[obs]\nenabled = true\nport = 4460\n", encoding="utf-8")
    ((level, text),) = told()
    assert level == "info"
    assert "4460" in text
    assert "obs_password" in text
    place.state.mkdir()
    file = place.state / "secrets.toml"
    file.touch(0o600)
    file.write_text('obs_password = "hush"\n', encoding="utf-8")
    ((level, text),) = told()
    assert level == "ok"
    assert "hush" not in text


def test_doctor_names_a_missing_model(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_VTUBER__LLM__MODEL", str(tmp_path / "none.gguf"))
    findings = examine(Show(tmp_path / "state"))
    assert any(f.level == "fail" and "none.gguf" in f.text for f in findings)


def test_configuration_md_is_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "gen_config_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", ["run", "test", "check"])
def test_an_old_python_is_named(script, tmp_path):
    """The scripts' own copy, so that no environment is found, and a python3 that is too old."""
    fake = tmp_path / "bin"
    fake.mkdir()
    old = fake / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    for tool in ("bash", "dirname", "cat", "sha256sum", "cut", "awk", "df", "env"):
        found = next(p for d in ("/usr/bin", "/bin") if (p := Path(d) / tool).exists())
        (fake / tool).symlink_to(found)
    copy = tmp_path / "project"
    (copy / "scripts").mkdir(parents=True)
    for name in ("environment.sh", script):
        text = (ROOT / "scripts" / name).read_text(encoding="utf-8")
        (copy / "scripts" / name).write_text(text, encoding="utf-8")
        (copy / "scripts" / name).chmod(0o755)
    for name in ("pyproject.toml", "requirements-weights.txt"):
        (copy / name).write_text("", encoding="utf-8")
    done = subprocess.run(
        [copy / "scripts" / script],
        env={"PATH": str(fake)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert "SPARK_PYTHON" in done.stderr
