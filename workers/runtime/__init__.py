"""What every worker shares: hello, load, ready, serve, drain; heartbeat; parent death.

A worker is a class derived from ``Worker`` and a ``__main__.py`` that calls ``main``.
May import ``ipc`` and the standard library; model libraries belong into the workers.
"""

from workers.runtime.link import Link
from workers.runtime.serve import main
from workers.runtime.worker import Worker

__all__ = ["Link", "Worker", "main"]
