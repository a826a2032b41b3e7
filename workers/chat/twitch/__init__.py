"""Twitch: reading by IRC or EventSub, writing and moderating by Helix.

``twitch`` is the platform. Without an account it needs ``channel`` (which one) and ``irc`` alone:
``irc`` keeps a connection, ``irc_session`` decides what is said on it, ``irc_parser`` and
``irc_messages`` make lines of it, ``irc_report`` tells the operator how it fares. With a token
there is an ``account``: ``auth`` (whose token, until when), ``helix`` (deeds, with ``sending``),
``eventsub`` and ``eventsub_messages``; ``calls`` makes one HTTP call. ``vocabulary`` is what IRC
and EventSub say alike.
"""

from workers.chat.twitch.twitch import Twitch

__all__ = ["Twitch"]
