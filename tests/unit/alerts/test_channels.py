"""What a webhook's receiver sees, and what its answers mean."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from alerts.channels import LogChannel, WebhookChannel, idempotency_key
from alerts.notify import PermanentFailure
from alerts.routing import Reason
from pipeline.errors import Unavailable
from tests.unit.alerts.examples import OPENED, told

URL = "https://user:hunter2@hooks.example.org/secret-path?token=abc"


def channel(answer, seconds: float = 5.0) -> WebhookChannel:
    return WebhookChannel(
        URL, "s3cret", lambda: OPENED, seconds, transport=httpx.MockTransport(answer)
    )


def test_a_webhook_gets_signed_json_with_a_key_against_repeats():
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    item = told()
    channel(answer).send(item)
    (request,) = seen
    body = json.loads(request.content)
    assert body["v"] == 1
    assert body["reason"] == "FIRST"
    assert body["subscription"] == "desk"
    assert body["alert"]["series"]["subject"] == "AAPL"
    assert body["alert"]["arithmetic"]["observed"] == 9
    timestamp = request.headers["Bellwether-Timestamp"]
    assert timestamp == str(int(OPENED.timestamp()))
    expected = hmac.new(b"s3cret", timestamp.encode() + b"." + request.content, hashlib.sha256)
    assert request.headers["Bellwether-Signature"] == f"sha256={expected.hexdigest()}"
    assert request.headers["Idempotency-Key"] == idempotency_key(item)


def test_the_key_is_the_same_for_each_attempt_and_differs_for_each_reason():
    assert idempotency_key(told()) == idempotency_key(told(revision=7))
    assert idempotency_key(told()) != idempotency_key(told(Reason.RESOLVED))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_some_answers_are_tried_again(status):
    with pytest.raises(Unavailable, match=f"hooks.example.org answered {status}"):
        channel(lambda _: httpx.Response(status)).send(told())


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 410, 422])
def test_other_answers_are_final_and_redirects_are_not_followed(status):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(status, headers={"Location": "http://169.254.169.254/"})

    with pytest.raises(PermanentFailure, match=str(status)):
        channel(answer).send(told())
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 02 Mar 2026 10:03:00 GMT", timedelta(minutes=1)),
        ("Mon, 02 Mar 2026 09:03:00 GMT", timedelta()),
        ("99999999999", timedelta(days=1)),
        ("soon", None),
        (b"\xb2", None),
        ("Mon, 02 Mar 99999999999999999999 10:03:00 GMT", None),
        ("-5", None),
    ],
)
def test_retry_after_is_respected(value, wait):
    with pytest.raises(Unavailable) as caught:
        channel(lambda _: httpx.Response(429, headers={"Retry-After": value})).send(told())
    assert caught.value.retry_after == wait


def test_a_network_error_is_tried_again_and_never_shows_the_address():
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url}")

    with pytest.raises(Unavailable) as caught:
        channel(answer).send(told())
    assert "hunter2" not in str(caught.value)
    assert "token" not in str(caught.value)
    assert "hunter2" not in repr(channel(answer))
    assert "s3cret" not in repr(channel(answer))


class Endless(httpx.AsyncByteStream):
    """An answer that never ends."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1
            yield b"x" * 50_000


def test_of_an_endless_answer_only_the_status_is_read():
    endless = Endless()
    channel(lambda _: httpx.Response(200, stream=endless)).send(told())
    assert endless.sent == 0


def test_a_receiver_that_does_not_answer_is_left_in_time():
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    with pytest.raises(Unavailable, match=r"no answer in 0\.05 s"):
        channel(never, seconds=0.05).send(told())


def test_the_log_channel_says_it_in_one_line(caplog):
    LogChannel().send(told())
    (message,) = caplog.messages
    assert message == (
        "FIRST AAPL severity 70 (company-negative-surge): 9 negative in 60 min, "
        "0.7 expected, share 75% against 15%, since 2026-03-02 10:02Z"
    )
