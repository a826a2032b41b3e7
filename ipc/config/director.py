"""Choosing, prompting, deciding."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ipc.config.base import Count, Positive, Seconds, Section, WorkerSection, doc

Barge = Literal["ignore", "duck", "stop", "finish"]


class ScoreSection(Section, frozen=True):
    """How waiting chat lines are weighed; docs/chat.md has the formula. 1.0 changes nothing."""

    half_life_s: Annotated[Positive, doc("A line is worth half after waiting this long.")] = 25.0
    mention: Annotated[Positive, doc("It names her.")] = 3.0
    question: Annotated[Positive, doc("It asks something.")] = 1.7
    reply: Annotated[Positive, doc("It is a reply to her.")] = 2.0
    first: Annotated[Positive, doc("The viewer writes for the first time.")] = 2.0
    paid: Annotated[Positive, doc("Factor for each doubling of one dollar paid.")] = 2.0
    event: Annotated[Positive, doc("A sub, gift or raid.")] = 6.0
    member: Annotated[Positive, doc("Subscribers, VIPs, moderators, trusted viewers.")] = 1.2
    repeated: Annotated[Positive, doc("For each doubling of people who say the same.")] = 1.6
    answered: Annotated[Positive, doc("Each recent reply to the same viewer.")] = 0.4
    emotes_only: Annotated[Positive, doc("There are no words in it.")] = 0.1
    other: Annotated[Positive, doc("A milestone or ritual that the platform tells of.")] = 0.1
    aside: Annotated[Positive, doc("It speaks to another viewer.")] = 0.5
    busy: Annotated[Positive, doc("Each line the same viewer wrote in the last minute.")] = 0.8


_LISTENING = [
    *("ah", "aha", "haha", "heh", "hehe", "hm", "huh", "hmm", "mhm", "mm", "oh", "ok", "okay"),
    *("right", "uh", "uhuh", "um", "wow", "yeah", "yep"),
]


class SpeechSection(Section, frozen=True):
    """People who speak to her, or over her; docs/turn-taking.md."""

    policy: Annotated[
        Barge,
        doc(
            "When somebody speaks over her: ignore, duck (she goes on more quietly), stop (at the "
            "end of a word) or finish (at the end of the clause)."
        ),
    ] = "stop"
    duck_gain: Annotated[
        float, Meta(ge=0, le=1, description="Her loudness while somebody speaks; 1.0 is full.")
    ] = 0.3
    min_words: Annotated[
        Count, doc("Somebody who has said this many words goes on, and is given way to.")
    ] = 2
    min_speech_s: Annotated[
        Seconds, doc("So is one who has spoken this long, with any word at all, seconds.")
    ] = 0.7
    stop_within_s: Annotated[
        Positive, doc("She stops at the end of a word, but within this, seconds.")
    ] = 0.4
    after_s: Annotated[
        Seconds, doc("Quiet after somebody spoke before chat is answered again, seconds.")
    ] = 0.3
    max_wait_s: Annotated[
        Positive, doc("Talk without a pause is given way to for this long at most, seconds.")
    ] = 15.0
    early: Annotated[
        bool, doc("Begin the reply while the last words are still being recognised.")
    ] = True
    listening: Annotated[
        list[str],
        doc("Words that only show that somebody listens: they neither stop her nor get a reply."),
    ] = field(default_factory=_LISTENING.copy)


class DirectorSection(WorkerSection, frozen=True):
    """Choosing, prompting, deciding."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.15
    queue_size: Annotated[Count, doc("Chat lines that may wait.")] = 64
    queue_max_age_s: Annotated[Positive, doc("Lines older than this are passed over.")] = 90.0
    viewer_lines: Annotated[Count, doc("Lines of one viewer that may wait; the newest do.")] = 3
    recall_deadline_ms: Annotated[
        Seconds, doc("Memory that answers later than this is not waited for, milliseconds.")
    ] = 80.0
    history_turns: Annotated[Count, doc("Exchanges kept in the prompt before old ones go.")] = 8
    history_trim: Annotated[
        Count, doc("How many go at once: fewer, larger cuts keep the prefix cache warm.")
    ] = 4
    max_tokens: Annotated[Count, doc("Longest reply, tokens.")] = 56
    temperature: Annotated[float, Meta(ge=0, le=2, description="Sampling temperature.")] = 0.5
    first_clause_words: Annotated[
        Count, doc("The first clause is cut at the first punctuation after this many words.")
    ] = 3
    first_clause_max_words: Annotated[
        Count, doc("Without punctuation the first clause is cut after this many words.")
    ] = 9
    prepare_ahead_s: Annotated[
        Seconds,
        doc("The next reply is prepared when this much sound of the present one is left."),
    ] = 1.5
    idle_after_s: Annotated[
        Seconds, doc("She talks by herself when chat is quiet for this long; 0 never.")
    ] = 45.0
    turn_timeout_s: Annotated[
        Positive, doc("A turn in which nothing happens for this long is given up, seconds.")
    ] = 20.0
    slow_s: Annotated[Seconds, doc("Shortest time between two replies to chat, seconds.")] = 0.0
    air_delay_s: Annotated[
        Seconds,
        doc("Every reply waits this long before its first sound: time to dump it, seconds."),
    ] = 0.0
    crowd_per_minute: Annotated[
        Count, doc("From this many lines a minute on she answers chat as a crowd.")
    ] = 240
    approvals: Annotated[Count, doc("Lines and replies that may wait for a person.")] = 32
    called: Annotated[
        list[str], doc("Other names she answers to: nicknames, her account on a platform.")
    ] = []
    commands: Annotated[
        dict[str, str],
        doc("Chat commands: name to what she is asked to do then; others are passed over."),
    ] = {}
    score: ScoreSection = ScoreSection()
    speech: SpeechSection = SpeechSection()
