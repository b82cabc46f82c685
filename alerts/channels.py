"""Ways to reach a receiver: a signed webhook, and the log.

A webhook's request::

    POST …   Content-Type: application/json
             Bellwether-Timestamp: 1767225600
             Bellwether-Signature: sha256=<hex of HMAC-SHA256(secret, timestamp "." body)>
             Idempotency-Key: <the same for every attempt to say the same thing>
    {"v": 1, "reason": "FIRST", "subscription": "desk", "alert": {… `alerts` v1 …}}

Any answer from 200 to 299 is success. 408, 425, 429 and 5xx are tried again, also after a
network error or ten seconds; every other answer, a redirect included, is final.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from alerts.notify import PermanentFailure
from alerts.routing import Notification
from alerts.source_silence import SIGNAL
from pipeline.errors import Unavailable
from pipeline.wire import encode_json

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
_AGAIN = frozenset({408, 425, 429})


class WebhookChannel:
    """POSTs each notification as signed JSON. The URL and the secret are never logged."""

    def __init__(
        self,
        url: str,
        secret: str,
        clock: Callable[[], datetime],
        total_seconds: float = TOTAL_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or "?"
        self._secret = secret.encode()
        self._clock = clock
        self._total_seconds = total_seconds
        self._transport = transport

    def __repr__(self) -> str:
        return f"WebhookChannel(host={self._host!r})"

    def send(self, item: Notification) -> None:
        """Deliver within ten seconds in all, or raise as `Channel` says."""
        body = encode_json(
            {
                "v": 1,
                "reason": item.reason.value,
                "subscription": item.subscription,
                "alert": item.alert,
            }
        )
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "bellwether-webhook/1",
            "Bellwether-Timestamp": timestamp,
            "Idempotency-Key": idempotency_key(item),
        }
        if self._secret:
            headers["Bellwether-Signature"] = signature(self._secret, timestamp, body)
        # its own short event loop: only there can the whole exchange have a deadline
        status, retry_after = asyncio.run(self._exchange(body, headers))
        if 200 <= status < 300:
            return
        what = f"webhook {self._host} answered {status}"
        if status in _AGAIN or status >= 500:
            raise Unavailable(what, retry_after)
        raise PermanentFailure(what)

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, timedelta | None]:
        timeout = httpx.Timeout(
            self._total_seconds, connect=min(CONNECT_SECONDS, self._total_seconds)
        )
        try:
            async with asyncio.timeout(self._total_seconds):
                async with httpx.AsyncClient(
                    timeout=timeout,
                    follow_redirects=False,
                    transport=self._transport,
                    # a proxy of the environment would see what the signature protects
                    trust_env=False,
                ) as client:
                    request = client.stream("POST", self._url, content=body, headers=headers)
                    # the status says it all; a body, however long or slow, is not read
                    async with request as answer:
                        wait = _retry_after(answer.headers.get("retry-after"), self._clock())
                        return answer.status_code, wait
        except TimeoutError as error:
            raise Unavailable(
                f"webhook {self._host}: no answer in {self._total_seconds:g} s"
            ) from error
        except httpx.TimeoutException as error:
            raise Unavailable(f"webhook {self._host}: {type(error).__name__}") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise PermanentFailure(
                f"webhook: the URL cannot be used ({type(error).__name__})"
            ) from error
        except httpx.HTTPError as error:
            # the message may repeat the URL, so only its kind is told
            raise Unavailable(f"webhook {self._host}: {type(error).__name__}") from error


class LogChannel:
    """Writes one line for each notification."""

    def send(self, item: Notification) -> None:
        log.warning("%s", one_line(item))


def one_line(item: Notification) -> str:
    """The notification for a person with one line to spare."""
    alert, peak = item.alert, item.alert.peak
    series = alert.series
    name = series.subject or series.topic or series.source or "everything"
    if peak.signal == SIGNAL:
        kind = alert.labels.get("kind", "silent").replace("-", " ")
        return (
            f"{item.reason.value} {name} severity {alert.severity} ({alert.rule}): {kind} for "
            f"{peak.observed / 3600:.1f} h, usually every {peak.expected / 60:.0f} min"
        )
    minutes = peak.window_seconds // 60
    if peak.signal == "sentiment_index":
        return (
            f"{item.reason.value} {name} severity {alert.severity} ({alert.rule}): sentiment "
            f"{peak.observed / 100:+.2f} in {minutes} min, usually {peak.expected / 100:+.2f}, "
            f"since {alert.opened_at:%F %H:%MZ}"
        )
    return (
        f"{item.reason.value} {name} severity {alert.severity} ({alert.rule}): "
        f"{peak.observed:g} negative in {minutes} min, {peak.expected:.2g} expected, "
        f"share {peak.share:.0%} against {peak.usual_share:.0%}, since {alert.opened_at:%F %H:%MZ}"
    )


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What a receiver computes too, and compares in constant time."""
    signed = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def idempotency_key(item: Notification) -> str:
    """The same for every attempt to say the same thing to the same receiver."""
    parts = (item.alert.fingerprint, item.alert.opened_at.isoformat(), item.key, item.subscription)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait a `Retry-After` header asks for, seconds or a date; at most a day."""
    if not value:
        return None
    if value.isascii() and value.strip().isdigit():
        return timedelta(seconds=min(int(value.strip()[:9]), 86400))
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), timedelta(days=1))
