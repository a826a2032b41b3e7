"""doubles: the YouTube double speaks the API as Google's own Python client knows it.

The client is built from the discovery document that comes with it; nothing leaves the machine.
"""

import asyncio

import httplib2
import pytest
from doubles.youtube import CHAT, CLIENT, KEY, OWNER, REFRESH, TOKEN, VIDEO
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError


def google(double, **secret):
    """Google's client, with its documents of this version, against the double."""
    endpoint = double.url.removesuffix("youtube/v3")
    if not secret.get("credentials"):
        secret["http"] = httplib2.Http(timeout=10)
    return build(
        "youtube",
        "v3",
        static_discovery=True,
        client_options={"api_endpoint": endpoint},
        cache_discovery=False,
        **secret,
    )


async def asked(build_request):
    """Google's client blocks; the double lives on this loop."""
    return await asyncio.to_thread(lambda: build_request().execute(num_retries=0))


def word(error: HttpError) -> str:
    return error.error_details[0]["reason"]


async def test_google_reads_the_double_page_by_page(double, time):
    client = google(double, developerKey=KEY)
    video = await asked(lambda: client.videos().list(part="snippet,liveStreamingDetails", id=VIDEO))
    chat_id = video["items"][0]["liveStreamingDetails"]["activeLiveChatId"]
    assert chat_id == CHAT
    double.say("hello", "mira")
    messages = client.liveChatMessages()
    request = messages.list(liveChatId=chat_id, part="id,snippet,authorDetails")
    page = await asked(lambda: request)
    assert page["items"][0]["snippet"]["textMessageDetails"]["messageText"] == "hello"
    assert page["items"][0]["authorDetails"]["displayName"] == "mira"
    double.say("again", "mira")
    following = messages.list_next(request, page)
    with pytest.raises(HttpError) as caught:
        await asked(lambda: following)
    assert word(caught.value) == "rateLimitExceeded"
    time.now += page["pollingIntervalMillis"] / 1000
    page = await asked(lambda: following)
    assert [item["snippet"]["displayMessage"] for item in page["items"]] == ["again"]
    assert double.spent == 1 + 5 + 5 + 5
    await asyncio.to_thread(client.close)


async def test_google_writes_and_moderates_in_the_double(double):
    client = google(double, credentials=Credentials(TOKEN))
    snippet = {
        "liveChatId": CHAT,
        "type": "textMessageEvent",
        "textMessageDetails": {"messageText": "hi there"},
    }
    sent = await asked(
        lambda: client.liveChatMessages().insert(part="snippet", body={"snippet": snippet})
    )
    assert sent["snippet"]["displayMessage"] == "hi there"
    assert await asked(lambda: client.liveChatMessages().delete(id=sent["id"])) == ""
    assert double.items[-1]["snippet"]["messageDeletedDetails"]["deletedMessageId"] == sent["id"]
    who = {"liveChatId": CHAT, "type": "temporary", "banDurationSeconds": "60"}
    who["bannedUserDetails"] = {"channelId": "UCtroll"}
    ban = await asked(lambda: client.liveChatBans().insert(part="snippet", body={"snippet": who}))
    assert await asked(lambda: client.liveChatBans().delete(id=ban["id"])) == ""
    assert double.bans == {}
    who["bannedUserDetails"] = {"channelId": OWNER}
    with pytest.raises(HttpError) as caught:
        await asked(lambda: client.liveChatBans().insert(part="snippet", body={"snippet": who}))
    assert word(caught.value) == "liveChatBanInsertionNotAllowed"
    await asyncio.to_thread(client.close)


async def test_google_understands_the_doubles_refusals(double, time):
    def listed(client, **more):
        return lambda: client.liveChatMessages().list(liveChatId=CHAT, part="snippet", **more)

    clients = [
        google(double, developerKey="wrong"),
        google(double, credentials=Credentials("wrong")),
        google(double, developerKey=KEY),
    ]
    wrong_key, wrong_token, client = clients
    with pytest.raises(HttpError) as caught:
        await asked(listed(wrong_key))
    assert caught.value.status_code == 400
    assert "API_KEY_INVALID" in str(caught.value.error_details)
    with pytest.raises(RefreshError):  # what it makes of a 401: this token cannot be renewed
        await asked(listed(wrong_token))
    with pytest.raises(HttpError) as caught:
        await asked(listed(client, pageToken="never-given"))
    assert word(caught.value) == "pageTokenInvalid"
    with pytest.raises(HttpError) as caught:
        await asked(listed(client, maxResults=10))
    assert caught.value.status_code == 400
    double.end()
    with pytest.raises(HttpError) as caught:
        await asked(listed(client))
    assert (caught.value.status_code, word(caught.value)) == (403, "liveChatEnded")
    double.quota = 0
    with pytest.raises(HttpError) as caught:
        await asked(listed(client))
    assert (caught.value.status_code, word(caught.value)) == (403, "quotaExceeded")
    for used in clients:
        await asyncio.to_thread(used.close)


async def test_google_renews_its_token_at_the_double(double):
    credentials = Credentials(
        None,
        refresh_token=REFRESH,
        token_uri=double.id_url,
        client_id=CLIENT[0],
        client_secret=CLIENT[1],
    )
    client = google(double, credentials=credentials)
    video = await asked(lambda: client.videos().list(part="snippet", id=VIDEO))
    assert video["items"][0]["id"] == VIDEO
    assert double.calls == ["POST /token", "GET videos"]
    await asyncio.to_thread(client.close)
