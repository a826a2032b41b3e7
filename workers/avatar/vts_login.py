"""Being let in: a token is asked for once, by a pop-up that a person answers, and kept."""

from __future__ import annotations

import asyncio

from ipc.secrets import SecretStr
from workers.avatar.pacing import Sleep
from workers.avatar.report import Report
from workers.avatar.settings import VtsSettings
from workers.avatar.vts_errors import API_OFF, BAD_NAMES, DENIED, POPUP_OPEN, explain
from workers.avatar.vts_protocol import ApiState, Authenticated, Refused, TokenGiven
from workers.avatar.vts_session import Dropped, Session
from workers.avatar.vts_token import TokenFile, is_token

_OPEN_S = 2.0  # between two looks whether the other pop-up is gone


class Denied(Exception):
    """A person said no, or nobody can say yes: nothing is tried until somebody tells us to."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class Login:
    """For one avatar, over all its connections."""

    def __init__(
        self,
        settings: VtsSettings,
        tokens: TokenFile,
        report: Report,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._names = {"pluginName": settings.plugin, "pluginDeveloper": settings.developer}
        self._tokens = tokens
        self._report = report
        self._sleep = sleep
        self._token = SecretStr("")  # kept here too: the file may not be writable

    async def enter(self, session: Session) -> None:
        """Authenticate this session. Raises Dropped or Denied."""
        try:
            await self._enter(session)
        except Refused as refused:
            if refused.code in (DENIED, *BAD_NAMES):
                raise Denied(refused.text, refused.hint) from None
            raise Dropped(refused.text, refused.hint) from None

    async def _enter(self, session: Session) -> None:
        state = await session.call("APIState", ApiState)
        if not state.active:
            raise Dropped(*explain(API_OFF))
        token = self._token or self._kept()
        if token:
            if await self._accepted(session, token):
                self._token = token
                return
            self._report.once(
                "warning",
                "VTube Studio does not accept the token any more: it was revoked there, or it "
                "belongs to another installation",
                "VTube Studio asks about access again: click Allow in its window",
            )
        self._token = SecretStr("")
        token = await self._ask(session)
        if not await self._accepted(session, token):
            raise Denied("VTube Studio refuses the token it has just given", explain(DENIED)[1])
        self._token = token
        self._keep(token)

    async def _accepted(self, session: Session, token: SecretStr) -> bool:
        data = self._names | {"authenticationToken": token.reveal()}
        return (await session.call("Authentication", Authenticated, data)).authenticated

    async def _ask(self, session: Session) -> SecretStr:
        """However long a person needs to answer."""
        self._report.waits(
            "warning",
            "VTube Studio is asking whether this show may control it",
            "click Allow in the window of VTube Studio",
        )
        while True:
            try:
                given = await session.call(
                    "AuthenticationToken", TokenGiven, self._names, within_s=None
                )
            except Refused as refused:
                if refused.code != POPUP_OPEN:
                    raise
                self._report.waits("warning", refused.text, refused.hint)
                await self._sleep(_OPEN_S)
                continue
            if not is_token(given.token):
                raise Denied("VTube Studio gave something that is no token", explain(DENIED)[1])
            return SecretStr(given.token)

    def _kept(self) -> SecretStr:
        try:
            return self._tokens.load()
        except OSError as error:
            self._report.once(
                "warning",
                f"the token in {self._tokens.path} cannot be read ({error.strerror})",
                "make the file readable, or delete it to be asked again",
            )
            return SecretStr("")

    def _keep(self, token: SecretStr) -> None:
        try:
            self._tokens.keep(token)
        except OSError as error:
            self._report.once(
                "warning",
                f"the token cannot be kept in {self._tokens.path} ({error.strerror})",
                "VTube Studio will ask again after the next start of the show",
            )
