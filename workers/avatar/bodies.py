"""From the configuration to settings of clients. Raises ConfigError naming the table."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ipc.config import AvatarSection, VtsSection
from ipc.errors import ConfigError
from workers.avatar.settings import DRIVES, Custom, Drive, VmcSettings, VtsSettings, check_value

_DRIVE = re.compile(r"(-?)\s*(\w+)(?:\s*\*\s*(\d+(?:\.\d+)?))?")


def vts_settings(name: str, section: VtsSection, avatar: AvatarSection) -> VtsSettings:
    """Of [avatar.vts.NAME]."""
    return VtsSettings(
        name=name,
        host=section.host,
        port=section.port,
        window=section.window,
        drives=_drives(name, section.parameters),
        create={parameter: Custom(text) for parameter, text in section.create.items()},
        feelings=section.feelings,
        rate_hz=avatar.rate_hz,
        idle_hz=avatar.idle_hz,
    )


def vmc_settings(name: str, avatar: AvatarSection) -> VmcSettings:
    """Of [avatar.vmc.NAME]."""
    section = avatar.vmc[name]
    return VmcSettings(
        name=name,
        host=section.host,
        port=section.port,
        head=section.head,
        rate_hz=avatar.rate_hz,
        idle_hz=avatar.idle_hz,
    )


def check_personas(avatar: AvatarSection, personas: Mapping[str, object]) -> None:
    """A body belongs to somebody who is there."""
    bodies = [("vts", name, body.persona) for name, body in avatar.vts.items()]
    bodies += [("vmc", name, body.persona) for name, body in avatar.vmc.items()]
    for kind, name, persona in bodies:
        if persona and persona not in personas:
            raise ConfigError(
                f"[avatar.{kind}.{name}] persona: there is no persona {persona!r}",
                f"there is {', '.join(personas)}",
            )


def _drives(name: str, changed: Mapping[str, str]) -> dict[str, Drive]:
    drives = dict(DRIVES)
    for parameter, wanted in changed.items():
        drives.pop(parameter, None)
        if not wanted.strip():
            continue
        place = f"[avatar.vts.{name}] parameters, {parameter}"
        written = _DRIVE.fullmatch(wanted.strip())
        if written is None:
            raise ConfigError(f"{place}: {wanted!r} drives nothing", "write -head_yaw * 0.5, say")
        sign, value, factor = written.groups()
        check_value(place, value)
        drives[parameter] = Drive(value, scale=float(factor or 1) * (-1 if sign else 1))
    return drives
