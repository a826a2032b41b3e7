"""The id of a video, from what a person copied out of a browser."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_HOSTS = ("youtube.com", "youtube-nocookie.com")
_BEFORE_ID = ("live", "shorts", "embed", "v", "video")  # studio.youtube.com/video/ID/...


def video_id(given: str) -> str:
    """The 11 characters of a video's id from an id or any address of it; "" if there are none."""
    given = given.strip()
    if _ID.fullmatch(given):
        return given
    try:
        address = urlsplit(given if "://" in given else f"https://{given}")
        host = address.hostname or ""
        parts = [part for part in address.path.split("/") if part]
        asked = parse_qs(address.query).get("v", [""])[0]
    except ValueError:  # brackets that are no IPv6 address, too many fields
        return ""
    found = ""
    if host in ("youtu.be", "www.youtu.be"):
        found = parts[0] if parts else ""
    elif any(host == known or host.endswith(f".{known}") for known in _HOSTS):
        found = parts[1] if len(parts) > 1 and parts[0] in _BEFORE_ID else asked
    return found if _ID.fullmatch(found) else ""
