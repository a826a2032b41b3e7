"""Who may open a page that a worker serves.

A listener on loopback is open to programs of this machine, and to nobody whose browser was
told another name for it. Any other listener asks for a word that is kept in the state
directory.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from websockets.http11 import Request

from ipc.errors import PathNotWritable


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach a listener on ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_url(url: str) -> SplitResult:
    """Empty for what is no URL at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def shown_url(host: str, port: int, path: str) -> str:
    """For people. Without a token: addresses end up on screens, in logs and in recordings."""
    host = socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}{path}"


def stranger(request: Request, token: str) -> str:
    """Why this visitor is refused by the name they used or the token; empty if they are not."""
    if token:
        given = parse_qs(split_url(request.path).query).get("token", [""])[0]
        return "" if hmac.compare_digest(given.encode(), token.encode()) else "token"
    name = split_url(f"//{_header(request, 'Host')}").hostname or ""
    return "" if is_loopback(name) else "host"


def foreign(request: Request) -> bool:
    """Whether a page of another site asks. Programs send no Origin and are none."""
    if not request.headers.get_all("Origin"):
        return False
    return split_url(_header(request, "Origin")).netloc != _header(request, "Host")


def _header(request: Request, name: str) -> str:
    """Empty also if it is there twice, which no browser does."""
    values = request.headers.get_all(name)
    return values[0] if len(values) == 1 else ""


def kept_token(path: Path) -> str:
    """The word in this file (0600), made once. Raises PathNotWritable."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(fd, 0o600)
            token = os.pread(fd, 256, 0).decode("ascii", errors="replace").strip()
            if len(token) < 16:
                token = secrets.token_urlsafe(24)
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{token}\n".encode(), 0)
        finally:
            os.close(fd)
    except OSError as error:
        raise PathNotWritable(
            f"cannot keep a page's token in {path}: {error.strerror}",
            "make the state directory writable",
        ) from None
    return token
