"""chat: YouTube moderated and written to, tokens that run out, and secrets that stay secret."""

import asyncio
import logging

import pytest
from doubles.youtube import CLIENT, KEY, OWNER, REFRESH, TOKEN, Fault
from youtube_rig import Time, running

from workers.chat.platform import PlatformRefused, Removal

# --- deeds ---


async def test_deeds_with_a_token(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        line = double.say("rude", "troll")
        await rig.youtube.delete(line)
        await rig.youtube.timeout("UCtroll", 600, "rude")
        await rig.youtube.ban("UCtroll", "rude")
        (timeout, ban) = double.bans.values()
        assert timeout["snippet"]["banDurationSeconds"] == "600"
        assert ban["snippet"]["type"] == "permanent"
        await time.wake()
        told = [what for what in rig.feed.told if isinstance(what, Removal)]
        assert [removal.banned for removal in told] == [False, False, True]
        assert told[1].reason == "timed out on YouTube for 600 s"
        await rig.youtube.unban("UCtroll")
        assert len(double.bans) == 1
        with pytest.raises(PlatformRefused, match="not made in this run"):
            await rig.youtube.unban("UCtroll")


async def test_a_ban_that_is_over_already_is_lifted(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        await rig.youtube.timeout("UCtroll", 1, "")
        double.bans.clear()
        await rig.youtube.unban("UCtroll")


async def test_sending_splits_at_words_and_names_whom_it_answers(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        line = double.say("how are you?", "@mira")
        await time.wake()
        await rig.youtube.send("word " * 90, reply_to=line)
        texts = [item["snippet"]["displayMessage"] for item in double.items[1:]]
        assert len(texts) == 3
        assert all(len(text) <= 200 and not text.endswith("wor") for text in texts)
        assert texts[0].startswith("@mira word")
        assert rig.youtube.self_id == OWNER
        with pytest.raises(PlatformRefused, match="nothing to send"):
            await rig.youtube.send("  ")


async def test_without_a_token_every_deed_names_the_secret(double, time, tmp_path):
    async with running(double, time, tmp_path, token="") as rig:
        await time.asleep()
        youtube = rig.youtube
        for deed in (
            youtube.delete("x"),
            youtube.timeout("x", 5, ""),
            youtube.ban("x", ""),
            youtube.send("x"),
        ):
            with pytest.raises(PlatformRefused, match="youtube_token"):
                await deed


async def test_refused_deeds_say_why_and_how_to_mend_it(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        with pytest.raises(PlatformRefused, match="does not find it"):
            await rig.youtube.delete("nothing")
        with pytest.raises(PlatformRefused, match="liveChatBanInsertionNotAllowed"):
            await rig.youtube.ban(OWNER, "")
        double.scope_writes = False
        with pytest.raises(PlatformRefused) as caught:
            await rig.youtube.send("hello")
        assert "youtube.force-ssl" in caught.value.hint
        double.scope_writes, double.quota = True, 0
        with pytest.raises(PlatformRefused, match="quota"):
            await rig.youtube.send("hello")
        double.faults.append("reset")
        with pytest.raises(PlatformRefused, match="away") as caught:
            await rig.youtube.send("hello")
        assert caught.value.hint == "try again"


async def test_deeds_need_an_open_chat(double, time, tmp_path):
    double.live = False
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        with pytest.raises(PlatformRefused, match="no YouTube chat is open"):
            await rig.youtube.send("hello")
    with pytest.raises(PlatformRefused, match="not being read"):
        await rig.youtube.delete("x")


# --- a token that runs out ---

RENEWAL = {"refresh_token": REFRESH, "client_id": CLIENT[0], "client_secret": CLIENT[1]}


async def test_a_token_that_runs_out_is_renewed_once_for_all_who_need_it(double, time, tmp_path):
    async with running(double, time, tmp_path, renewal=RENEWAL) as rig:
        await time.asleep()
        double.token = "another"  # an hour later
        await asyncio.gather(*(rig.youtube.send(f"message {n}") for n in range(4)))
        assert double.calls.count("POST /token") == 1
        assert len(double.items) == 4
        assert rig.feed.problems == []


async def test_without_key_and_token_a_refresh_token_is_enough_to_read(double, time, tmp_path):
    async with running(double, time, tmp_path, key="", token="", renewal=RENEWAL) as rig:
        await time.asleep()
        double.token = "another"
        double.say("hello")
        await time.wake()
        assert rig.feed.texts == ["hello"]
        assert rig.feed.problems == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refresh_token": "revoked-1"}, "in testing"),
        ({"client_secret": "wrong-1"}, "youtube_client_secret is not"),
    ],
)
async def test_a_renewal_that_is_refused_says_which_secret(double, time, tmp_path, change, words):
    renewal = RENEWAL | change
    async with running(double, time, tmp_path, key="", token="old-1", renewal=renewal) as rig:
        assert await time.asleep() == 300
        assert "Google does not renew youtube_token" in rig.feed.problems[0]
        assert words in rig.feed.said
        with pytest.raises(PlatformRefused, match="does not renew"):
            await rig.youtube.delete("x")
        assert not any(value in rig.feed.said for value in renewal.values())


async def test_half_of_what_a_renewal_needs_is_named(double, time, tmp_path):
    renewal = {"refresh_token": REFRESH}
    async with running(double, time, tmp_path, renewal=renewal) as rig:
        await time.asleep()
        assert "youtube_client_id, youtube_client_secret is missing" in rig.feed.said


# --- secrets ---


async def test_key_and_token_are_in_no_text_log_or_address(double, time, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    bad = "bad-key-that-is-echoed"
    async with running(double, time, tmp_path, key=bad, token="bad-token-9") as rig:
        await time.asleep()
        assert "does not accept the secret youtube_key" in rig.feed.problems[0]
        double.faults.extend([Fault(403, "forbidden", f"no {bad}"), "garbage", "reset"])
        for _ in range(3):
            await time.wake()
        with pytest.raises(PlatformRefused) as caught:
            await rig.youtube.delete("x")
        assert "youtube_token" in str(caught.value)
        chain = f"{caught.value!r} {caught.value.__cause__!r}"
    time = Time()
    async with running(double, time, tmp_path):
        await time.asleep()
    everything = rig.feed.said + str(rig.feed.problems) + caplog.text + chain
    everything += str(double.addresses)
    for secret in (bad, "bad-token-9", KEY, TOKEN):
        assert secret not in everything
