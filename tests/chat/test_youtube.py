"""chat: YouTube read over real sockets, against the double, in time that stands
still until a test moves it."""

import asyncio
import gc
import os
from time import tzset

import pytest
from doubles.youtube import KEY, OWNER, Fault, YouTubeDouble
from keeping_feed import KeepingFeed
from youtube_rig import Time, running, secrets

from ipc.config import ChatSection, YouTubeSection
from ipc.states import Role
from workers.chat.platform import Line, Removal
from workers.chat.youtube import YouTube

# --- reading ---


async def test_the_backlog_is_passed_over_and_what_comes_then_is_told_in_order(
    double, time, tmp_path
):
    double.say("long ago")
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        assert rig.feed.told == []
        first = double.say("hello", "mira")
        double.say("bad words", "troll")
        double.put("messageDeletedEvent", messageDeletedDetails={"deletedMessageId": first})
        double.put(
            "userBannedEvent",
            userBannedDetails={
                "bannedUserDetails": {"channelId": "UCtroll"},
                "banType": "permanent",
            },
        )
        double.say("after", "owner", OWNER)
        await time.wake()
        hello, bad, deleted, banned, after = rig.feed.told
        assert isinstance(hello, Line)
        assert (hello.platform, hello.id, hello.author_id) == ("youtube", first, "UCmira")
        assert bad.text == "bad words"
        assert deleted == Removal(ids=(first,), reason="deleted on YouTube")
        assert banned == Removal(author_id="UCtroll", banned=True, reason="banned on YouTube")
        assert after.roles == (Role.BROADCASTER,)
        assert rig.feed.problems == []
        assert "'Nova plays'" in rig.feed.said


async def test_a_history_of_several_pages_is_passed_over_whole(double, time, tmp_path):
    double.page_size = 10
    for n in range(35):
        double.say(f"old {n}")
    time.now += 60
    async with running(double, time, tmp_path) as rig:
        for _ in range(4):
            await time.wake()
        double.say("new")
        await time.wake()
        assert rig.feed.texts == ["new"]


async def test_lost_page_token_loses_and_doubles_nothing(double, time, tmp_path):
    double.say("old")
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.say("one")
        await time.wake()
        who = {"bannedUserDetails": {"channelId": "UC5"}, "banType": "permanent"}
        double.put("userBannedEvent", userBannedDetails=who)
        await time.wake()
        double.forgets_tokens = True
        double.say("two")
        await time.wake()
        await time.wake()
        double.say("three")
        await time.wake()
        assert rig.feed.texts == ["one", "two", "three"]
        assert len(rig.feed.told) == 4  # the ban is not told again: it may have been lifted


async def test_bans_in_the_backlog_count_no_more_but_deletions_do(double, time, tmp_path):
    line = double.say("old")
    double.put(
        "userBannedEvent",
        userBannedDetails={"bannedUserDetails": {"channelId": "UCmira"}, "banType": "permanent"},
    )
    double.put("messageRetractedEvent", messageRetractedDetails={"retractedMessageId": line})
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        assert rig.feed.told == [Removal(ids=(line,), reason="taken back by its author")]


async def test_youtubes_interval_is_kept_and_read_with_a_token_alone(double, time, tmp_path):
    double.interval_ms = 60_000
    async with running(double, time, tmp_path, key="") as rig:
        assert await time.asleep() == 60.0
        double.say("hello")
        double.interval_ms = 40_000
        assert await time.wake() == 40.0
        assert rig.feed.texts == ["hello"]


# --- the life of a stream ---


async def test_a_stream_that_has_not_begun_is_waited_for(double, time, tmp_path):
    double.live = False
    async with running(double, time, tmp_path) as rig:
        assert await time.asleep() == 60.0
        assert rig.feed.problems == ["the YouTube stream has not begun"]
        assert await time.wake() == 60.0
        double.live = True
        await time.wake()
        assert rig.feed.problems[-1] == ""
        double.say("hello")
        await time.wake()
        assert rig.feed.texts == ["hello"]


@pytest.mark.parametrize("how", ["closed", "event", "offline"])
async def test_an_ended_stream_is_said_once_costs_little_and_may_come_back(
    double, time, tmp_path, how
):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.say("goodbye")
        match how:
            case "closed":
                await time.wake()
                double.end()
            case "event":
                double.put("chatEndedEvent")
                double.live = False
            case "offline":
                double.offline = True
        await time.wake()
        assert rig.feed.texts == ["goodbye"]
        spent = double.spent
        for _ in range(120):
            await time.wake()
        assert sum("has ended" in text for _, text, _ in rig.feed.notices) == 1
        assert not any(rig.feed.problems)
        assert double.spent - spent <= 120 * 6
        assert await time.asleep() == 300.0
        double.live, double.ended, double.offline = True, False, False
        double.chat_id = "chat-2"
        double.items.clear()
        double.say("before we looked")
        await time.wake()
        double.say("we are back")
        await time.wake()
        assert rig.feed.texts == ["goodbye", "we are back"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exists": False}, "YouTube has no video dQw4w9WgXcQ"),
        ({"is_stream": False}, "is no live stream"),
        ({"live": False, "ended": True}, "is over"),
    ],
)
async def test_a_video_that_cannot_be_read_is_named(double, time, tmp_path, change, words):
    for name, value in change.items():
        setattr(double, name, value)
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        await time.wake()
        assert len(rig.feed.problems) == 1
        assert words in rig.feed.problems[0]
        assert "chat.youtube.video" in rig.feed.said


@pytest.mark.parametrize(
    ("video", "key", "words"),
    [
        ("https://example.com/", KEY, "neither the id nor the address"),
        ("dQw4w9WgXcQ", "", "youtube_key"),
        ("dQw4w9WgXcQ", "two\nlines", "characters in it that none has"),
        ("dQw4w9WgXcQ", "kéy", "characters in it that none has"),
    ],
)
async def test_without_a_video_or_a_secret_it_says_so_and_rests(tmp_path, video, key, words):
    feed = KeepingFeed()
    chat = ChatSection(youtube=YouTubeSection(video=video))
    await YouTube(chat, secrets(tmp_path, key=key)).run(feed)
    assert words in feed.problems[0]
    assert words in feed.notices[0][1]
    assert not key or key not in feed.said


# --- quota, refusals, outages ---


async def test_how_long_the_quota_lasts_is_said_and_looks_are_stretched(double, time, tmp_path):
    async with running(double, time, tmp_path, spread_h=8.0) as rig:
        stretched = await time.asleep()
        assert stretched == pytest.approx(8 * 3600 * 5 / 9994, rel=0.01)
        assert "one look at the chat every 14 s" in rig.feed.said
        assert "lasts for 8.0 h" in rig.feed.said
        assert "YouTube would allow one every 5 s" in rig.feed.said


async def test_unspread_it_looks_as_often_as_youtube_allows(double, time, tmp_path):
    async with running(double, time, tmp_path, spread_h=0.0) as rig:
        assert await time.asleep() == 5.0
        assert "lasts for 2.8 h" in rig.feed.said


async def test_eight_hours_and_more_fit_into_a_days_quota(double, time, tmp_path):
    """From just after a midnight in California: ten hours, never refused."""
    time.now += 10 * 3600
    double.items.clear()
    end = time.now + 10 * 3600
    async with running(double, time, tmp_path) as rig:
        while time.now < end:
            await time.wake()
        assert rig.feed.problems == []
        assert double.spent < 10_000


async def test_when_the_quota_is_gone_it_says_until_when_and_goes_on_by_itself(
    double, time, tmp_path
):
    double.quota = 26
    async with running(double, time, tmp_path) as rig:
        while not rig.feed.problems:
            await time.wake()
        assert "quota for today is used up; it is renewed at" in rig.feed.problems[0]
        calls = len(double.calls)
        while time.now < Time().now + 8.5 * 3600:
            assert 0 < await time.wake() <= 900
        assert len(double.calls) - calls < 40
        assert len(rig.feed.problems) == 1
        double.quota, double.spent = 10_000, 0  # midnight in California
        double.say("good morning")
        while rig.feed.problems[-1]:
            await time.wake()
        assert rig.feed.texts == ["good morning"]


@pytest.mark.parametrize("hours", [-72, 72])
async def test_a_wrong_clock_is_named_and_changes_nothing(double, tmp_path, hours):
    """The machine's clock is days off; the double, and with it the Date header, is right."""
    time = Time()
    double.wall = lambda: time.now - hours * 3600
    double.quota = 26
    async with running(double, time, tmp_path) as rig:
        while not rig.feed.problems:
            await time.wake()
        way = "ahead of" if hours > 0 else "behind"
        assert f"the clock of this machine is 72.0 h {way} YouTube's" in rig.feed.said
        assert "quota for today is used up" in rig.feed.problems[0]


async def test_a_clock_that_is_ahead_loses_no_line_where_no_date_comes(double, tmp_path):
    """A proxy may take the Date header away; then nothing is passed over by its time."""
    time = Time()
    double.wall = lambda: time.now - 3600
    double.dates = False
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.say("hello")
        await time.wake()
        assert rig.feed.texts == ["hello"]


@pytest.mark.parametrize(("behind_s", "shown"), [(0, "09:00"), (5400, "07:30")])
async def test_the_renewal_is_told_in_the_operators_time(
    double, tmp_path, monkeypatch, behind_s, shown
):
    """By the clock the operator looks at: when that shows this, the quota is renewed."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    tzset()
    try:
        time = Time()
        double.wall = lambda: time.now + behind_s
        double.quota = 6
        async with running(double, time, tmp_path) as rig:
            while not rig.feed.problems:
                await time.wake()
            assert rig.feed.problems[0].endswith(f"renewed at {shown}")
    finally:
        monkeypatch.undo()
        tzset()


async def test_too_often_is_backed_off_and_no_news(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.faults.append(Fault(403, "rateLimitExceeded"))
        double.faults.append(Fault(429, "rateLimitExceeded"))
        waits = [await time.wake(), await time.wake()]
        assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2
        assert rig.feed.problems == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(401, "authError", "Invalid Credentials"), "does not accept the secret youtube_key"),
        (Fault(403, "accessNotConfigured"), "not switched on in the Google project"),
        (Fault(403, "liveChatDisabled"), "chat is switched off"),
        (Fault(403, "forbidden", "No <b>way</b>\x1b[31m"), "YouTube refuses: No way[31m"),
        (Fault(429, "RATE_LIMIT_EXCEEDED", "... 'Queries per day' ..."), "quota for today"),
    ],
)
async def test_refusals_are_named_and_mended_ones_heal_by_themselves(
    double, time, tmp_path, fault, words
):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.faults.append(fault)
        double.say("meanwhile")
        assert await time.wake() >= 300
        assert words in rig.feed.problems[0]
        await time.wake()
        assert rig.feed.problems[-1] == ""
        assert rig.feed.texts == ["meanwhile"]


async def test_a_platform_that_is_down_at_the_start_is_read_when_it_comes(time, tmp_path):
    double = YouTubeDouble(time.wall)
    await double.start()
    async with running(double, time, tmp_path) as rig:
        port = double.port
        await double.stop()
        waits = [await time.asleep()] + [await time.wake() for _ in range(9)]
        assert rig.feed.problems[0].startswith("YouTube is away")
        assert len(rig.feed.problems) == 1
        assert waits[0] <= 1
        assert 30 <= waits[-1] <= 60
        await double.start(port)
        await time.wake()
        assert rig.feed.problems[-1] == ""
        double.say("hello")
        await time.wake()
        assert rig.feed.texts == ["hello"]
    await double.stop()


async def test_fifty_disconnects_lose_nothing_double_nothing_and_leak_nothing(
    double, time, tmp_path
):
    breaks = [b for b in YouTubeDouble.BREAKS if b != "silence"]
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
        for n in range(50):
            double.faults.append(breaks[n % len(breaks)])
            double.say(f"line {n}")
            await time.wake()
            if n % 3 == 0:
                double.faults.append(breaks[(n + 3) % len(breaks)])
                await time.wake()
            await time.wake()
        assert rig.feed.texts == [f"line {n}" for n in range(50)]
        assert rig.feed.problems[-1] == ""
        assert {problem.partition(":")[0] for problem in rig.feed.problems} == {
            "",
            "YouTube is away",
        }
        gc.collect()
        assert len(asyncio.all_tasks()) <= tasks + 1
        assert len(os.listdir("/proc/self/fd")) <= files + 2
    assert double.connections <= 1


async def test_a_server_that_falls_silent_is_given_up(double, time, tmp_path):
    async with running(double, time, tmp_path, timeout_s=0.2) as rig:
        await time.asleep()
        double.faults.append("silence")
        double.say("hello")
        await time.wake()
        assert rig.feed.problems == []  # once is no news
        double.faults.append("silence")
        await time.wake()
        assert rig.feed.problems == ["YouTube is away: no answer within 0.2 s"]
        await time.wake()
        assert rig.feed.texts == ["hello"]


async def test_an_answer_without_an_end_is_given_up(double, time, tmp_path):
    async with running(double, time, tmp_path) as rig:
        await time.asleep()
        double.faults += ["endless", "endless"]
        await time.wake()
        await time.wake()
        assert "an answer of more than" in rig.feed.problems[0]


async def test_tls_with_an_authority_of_ones_own_and_without(time, tmp_path, authority):
    async with YouTubeDouble(time.wall, tls=authority.server()) as double:
        async with running(double, time, tmp_path, ca_file=authority.ca_file) as rig:
            await time.asleep()
            assert rig.feed.problems == []
        time = Time()
        async with running(double, time, tmp_path) as rig:
            await time.asleep()
            assert "YouTube is away" in rig.feed.problems[0]
            assert double.calls.count("GET videos") == 1
