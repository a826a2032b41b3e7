"""Twitch: reading by IRC or EventSub, acting by Helix.

``irc`` reads without an account. Each module says which part of the protocol it speaks.
"""
