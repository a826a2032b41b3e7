"""The contract between the processes of a show.

Holds the messages, the five planes that carry them, the configuration and the
error tree. Everything here is imported by every process, so it stays light:
msgspec, pyzmq and the standard library, never a model library, never Textual,
and nothing from ``workers`` or ``tui``.
"""
