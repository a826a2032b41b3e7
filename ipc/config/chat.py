"""Chat platforms."""

from __future__ import annotations

from typing import Annotated, Literal

from ipc.config.base import Count, Port, Positive, Seconds, Section, WorkerSection, doc


class TwitchSection(Section, frozen=True):
    """Twitch. Reading needs a channel and no account; the rest needs the secret twitch_token."""

    channel: Annotated[str, doc("Channel to read; empty for none.")] = ""
    source: Annotated[
        Literal["irc", "eventsub"], doc("Where lines come from; eventsub needs a token.")
    ] = "irc"
    irc_host: Annotated[str, doc("Address of the IRC server.")] = "irc.chat.twitch.tv"
    irc_port: Annotated[Port, doc("Its port; always TLS.")] = 6697
    eventsub_url: Annotated[str, doc("WebSocket of EventSub.")] = "wss://eventsub.wss.twitch.tv/ws"
    helix_url: Annotated[str, doc("Address of the Helix API.")] = "https://api.twitch.tv/helix"
    id_url: Annotated[str, doc("Where tokens are checked and renewed.")] = (
        "https://id.twitch.tv/oauth2"
    )


class YouTubeSection(Section, frozen=True):
    """YouTube live chat. Needs the secret youtube_key, or youtube_token to moderate too."""

    video: Annotated[str, doc("Id or address of the live video; empty for none.")] = ""
    api_url: Annotated[str, doc("Address of the API.")] = "https://www.googleapis.com/youtube/v3"
    id_url: Annotated[str, doc("Where tokens are renewed.")] = "https://oauth2.googleapis.com/token"
    daily_quota: Annotated[Count, doc("Units a day the project has.")] = 10_000
    poll_units: Annotated[Count, doc("Units one look at the chat costs.")] = 5
    spread_h: Annotated[
        Seconds,
        doc("Look less often if need be, so that the quota lasts this many hours; 0 never."),
    ] = 8.0


class ChatSection(WorkerSection, frozen=True):
    """Chat platforms in."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.15
    replay: Annotated[
        str, doc("Chat file to replay (JSON lines); 'sample' is the bundled one, empty none.")
    ] = ""
    replay_speed: Annotated[Positive, doc("Replay this many times faster than recorded.")] = 1.0
    replay_loop: Annotated[bool, doc("Begin again at the end of the file.")] = False
    max_chars: Annotated[Count, doc("Longer chat lines are cut to this many characters.")] = 500
    ca_file: Annotated[
        str, doc("Certificates (PEM) to trust besides the system's, for a proxy that has its own.")
    ] = ""
    retry_base_s: Annotated[
        Positive, doc("First delay before a platform is tried again, doubled each time, seconds.")
    ] = 1.0
    retry_max_s: Annotated[Positive, doc("Longest such delay, seconds.")] = 60.0
    twitch: TwitchSection = TwitchSection()
    youtube: YouTubeSection = YouTubeSection()
