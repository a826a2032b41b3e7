"""Everything that needs a token: who we are, Helix, and EventSub. Not imported without one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from ipc.config import ChatSection
from ipc.secrets import Secrets
from workers.chat.tls import trusting
from workers.chat.twitch.auth import Auth
from workers.chat.twitch.calls import Calls, checked_url
from workers.chat.twitch.eventsub import EventSub
from workers.chat.twitch.helix import Helix


class Account:
    """What one token gives in one channel. Raises ConfigError for addresses that are none."""

    def __init__(
        self,
        chat: ChatSection,
        secrets: Secrets,
        channel: str,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = chat.twitch
        id_url = checked_url(settings.id_url, "chat.twitch.id_url")
        helix_url = checked_url(settings.helix_url, "chat.twitch.helix_url")
        eventsub_url = checked_url(settings.eventsub_url, "chat.twitch.eventsub_url", ("wss", "ws"))
        tls = trusting(chat.ca_file)
        self._calls = Calls(tls, now=now, sleep=sleep)
        self.auth = Auth(self._calls, id_url, secrets, now=now, sleep=sleep)
        self.helix = Helix(self._calls, self.auth, helix_url, channel, now=now, sleep=sleep)
        self.eventsub = EventSub(
            eventsub_url,
            self.helix,
            tls,
            retry_base_s=chat.retry_base_s,
            retry_max_s=chat.retry_max_s,
            rng=rng,
            now=now,
            sleep=sleep,
        )

    async def close(self) -> None:
        await self._calls.close()
