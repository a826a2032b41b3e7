"""A certificate authority of our own, for test servers that speak TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """Certificates for ``host``, and the file a client must trust for them (chat.ca_file)."""

    folder: Path
    host: str = "localhost"

    @cached_property
    def ca_file(self) -> str:
        """PEM file with the authority's certificate."""
        path = self.folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(path))
        return str(path)

    def server(self) -> ssl.SSLContext:
        """For a server whose certificate clients that trust ``ca_file`` accept."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(self.host, "127.0.0.1").configure_cert(context)
        return context

    def wrong_name(self) -> ssl.SSLContext:
        """For a server whose certificate is for another host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("elsewhere.invalid").configure_cert(context)
        return context

    @cached_property
    def _authority(self) -> trustme.CA:
        return trustme.CA()
