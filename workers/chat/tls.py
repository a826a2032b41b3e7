"""Whom an encrypted connection trusts."""

from __future__ import annotations

import ssl

from ipc.errors import ConfigError


def trusting(ca_file: str) -> ssl.SSLContext:
    """The system's certificates and those of ``ca_file``. ConfigError if it cannot be used."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            why = getattr(error, "strerror", None) or "there is no certificate in it"
            raise ConfigError(
                f"chat.ca_file: cannot use {ca_file!r}: {why}",
                "name a file with certificates in PEM format",
            ) from None
    return context
