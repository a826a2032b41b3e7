"""Configuration, directories, port, sound and browser of one show."""

from __future__ import annotations

import os
import shutil
import socket
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from ipc.config import Config
from ipc.endpoints import running_pid
from ipc.errors import ConfigError, NoShowRunning
from tui.doctor.finding import Finding
from tui.start import Show, is_running

LITTLE_DISK_MB = 500  # recordings rotate at 8 x 32 MB, and memory grows slowly


def configuration(show: Show) -> Iterator[Finding]:
    """The configuration loads. A ConfigError is this check's finding."""
    config = show.load()
    yield Finding(
        "configuration",
        "ok",
        f"{show.config_file or 'config.toml'}, profile {show.profile or 'embedded (default)'}: "
        f"llm {config.llm.engine}, tts {config.tts.engine}, memory {config.memory.engine}",
    )


def running_show(show: Show) -> Iterator[Finding]:
    """Whether a show holds this state directory."""
    try:
        yield Finding("show", "info", f"runs, pid {running_pid(show.endpoints)}")
    except NoShowRunning:
        yield Finding("show", "info", "none runs with this state directory")


def state_directory(show: Show) -> Iterator[Finding]:
    """It can be written, with room for recordings."""
    existing = _nearest_existing(show.state_dir)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "state directory",
            "fail",
            f"{existing} is not a directory you can write to",
            "name another state directory with --state",
        )
        return
    free_mb = shutil.disk_usage(existing).free / 1e6
    text = f"{show.state_dir}, {free_mb / 1000:.1f} GB free"
    if free_mb < LITTLE_DISK_MB:
        yield Finding("state directory", "warn", text, "free some disk space")
    else:
        yield Finding("state directory", "ok", text)


def socket_directory(show: Show) -> Iterator[Finding]:
    """Private and short enough. A RuntimeDirError is this check's finding."""
    show.endpoints.create()
    yield Finding("socket directory", "ok", str(show.endpoints.directory))


def overlay_port(show: Show) -> Iterator[Finding]:
    """The page's port is free, or taken by this very show."""
    config = _config(show)
    if config is None or not (config.stage.enabled and config.stage.overlay):
        return
    host, port = config.stage.overlay_host, config.stage.overlay_port
    place = f"{host}:{port}"
    if port == 0:
        yield Finding("overlay port", "ok", "a free one is taken at the start")
    elif is_running(show):
        yield Finding("overlay port", "info", f"{place}, the running show has it or said why not")
    elif problem := _cannot_listen(host, port):
        yield Finding(
            "overlay port",
            "fail",
            f"{place}: {problem}",
            "set stage.overlay_port to another port, or to 0 for a free one",
        )
    else:
        yield Finding("overlay port", "ok", f"{place} is free")


def sound_device(show: Show) -> Iterator[Finding]:
    """PortAudio and the device named in stage.device."""
    config = _config(show)
    wanted = config.stage.device if config else ""
    if not wanted:
        yield Finding("sound device", "info", "none configured; the page in the browser has sound")
        return
    try:
        import sounddevice  # noqa: PLC0415  # opens PortAudio, which may be absent
    except OSError as error:
        yield Finding(
            "sound device",
            "fail",
            f"PortAudio is not there: {error}",
            "sudo apt install libportaudio2, or set stage.device to an empty string",
        )
        return
    names = [d["name"] for d in sounddevice.query_devices() if d["max_output_channels"] > 0]
    matches = [name for name in names if wanted == "default" or wanted.lower() in name.lower()]
    if matches:
        yield Finding("sound device", "ok", matches[0])
    else:
        known = ", ".join(names) or "there is none"
        yield Finding(
            "sound device",
            "fail",
            f"no output device is called {wanted!r}",
            f"set stage.device to a part of one of these: {known}",
        )


def browser(_: Show) -> Iterator[Finding]:
    """Something to open the overlay page with; over SSH that is the other machine."""
    if os.environ.get("SSH_CONNECTION"):
        text = "over SSH: forward the page's port (ssh -L 8765:127.0.0.1:8765) and open it at home"
        yield Finding("browser", "info", text)
        return
    try:
        webbrowser.get()
    except webbrowser.Error:
        yield Finding(
            "browser", "info", "none found here; OBS or another machine can show the page"
        )
    else:
        yield Finding("browser", "ok", "there is one to open the page with")


def _config(show: Show) -> Config | None:
    try:
        return show.load()
    except ConfigError:
        return None  # told by its own check


def _nearest_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _cannot_listen(host: str, port: int) -> str:
    """Empty if the port can be bound, otherwise the system's reason."""
    try:
        with socket.create_server((host, port)):
            return ""
    except OSError as error:
        return error.strerror or str(error)
