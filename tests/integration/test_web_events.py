"""Server-sent events over a real socket: what arrives, in which order, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web_site import QUICK, Site, alarm, new_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as made:
        yield made


class Listener:
    """One client of the stream: reads it block by block."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def block(self) -> dict[str, str]:
        """The fields of the next block; a comment is the field ``comment``."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                return fields
            name, _, value = line.partition(": ")
            fields[name or "comment"] = value
        raise EOFError("the stream ended")

    async def alert(self) -> tuple[int, Any]:
        """The next event's id and alert, heartbeats passed over."""
        while True:
            fields = await self.block()
            if fields.get("event") == "alert":
                return int(fields["id"]), json.loads(fields["data"])


@asynccontextmanager
async def following(
    client: httpx.AsyncClient, last_event_id: str | None = None
) -> AsyncIterator[Listener]:
    headers = {} if last_event_id is None else {"last-event-id": last_event_id}
    async with client.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        listener = Listener(answer)
        assert "retry" in await listener.block()
        yield listener


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    with site.served() as address:
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            yield client


async def test_a_change_of_an_alert_arrives_at_once_and_whole(site: Site) -> None:
    site.alert(alarm("before"))
    async with served(site) as client, following(client) as listener:
        site.alert(alarm("f1", revision=2))
        number, alert = await listener.alert()
        assert number == 2
        assert alert["fingerprint"] == "f1"
        assert alert["arithmetic"]["threshold"] == 5.0


async def test_a_client_that_comes_back_goes_on_where_it_was(site: Site) -> None:
    for revision in range(1, 6):
        site.alert(alarm("f1", revision=revision))
    async with served(site) as client, following(client, last_event_id="2") as listener:
        seen = [await listener.alert() for _ in range(3)]
        site.alert(alarm("f1", revision=6))
        seen.append(await listener.alert())
    assert [number for number, _ in seen] == [3, 4, 5, 6]
    assert [alert["revision"] for _, alert in seen] == [3, 4, 5, 6]


async def test_a_client_ahead_of_a_table_made_anew_hears_what_comes(site: Site) -> None:
    site.alert(alarm("f1"))
    async with served(site) as client, following(client, last_event_id="1000") as listener:
        site.alert(alarm("f1", revision=2))
        assert (await listener.alert())[0] == 2


async def test_a_long_absence_is_caught_up_in_order_and_once(site: Site) -> None:
    for revision in range(1, 701):
        site.alert(alarm("f1", revision=revision))
    async with served(site) as client, following(client, last_event_id="0") as listener:
        seen = [(await listener.alert())[0] for _ in range(700)]
    assert seen == list(range(1, 701))


async def test_a_row_that_became_visible_late_is_not_lost(site: Site) -> None:
    site.alert(alarm("f1", revision=1), event_id=4)
    async with served(site) as client, following(client) as listener:
        site.alert(alarm("f1", revision=3), event_id=6)
        assert (await listener.alert())[0] == 6
        # another writer took number 5 before and commits only now
        site.alert(alarm("f1", revision=2), event_id=5)
        assert (await listener.alert())[0] == 5
        site.alert(alarm("f1", revision=4), event_id=7)
        assert (await listener.alert())[0] == 7


async def test_a_quiet_stream_still_beats(site: Site) -> None:
    async with served(site) as client, following(client) as listener:
        assert await listener.block() == {"comment": "still here"}
        assert await listener.block() == {"comment": "still here"}


async def test_every_client_hears_everything(site: Site) -> None:
    async with (
        served(site) as client,
        following(client) as one,
        following(client) as other,
    ):
        site.alert(alarm("f1"))
        assert (await one.alert())[0] == (await other.alert())[0] == 1


async def test_clients_are_bounded_and_a_place_becomes_free_again(site: Site) -> None:
    site.pace = replace(QUICK, readers_at_most=1)
    async with served(site) as client:
        async with following(client):
            refused = await client.get("/api/events")
            assert refused.status_code == 503
            assert "retry-after" in refused.headers
        async with asyncio.timeout(5):
            while (await client.head("/api/events")).status_code != 200:
                pass
            while True:
                async with client.stream("GET", "/api/events") as answer:
                    if answer.status_code == 200:
                        break


async def test_the_server_stops_while_clients_listen(site: Site) -> None:
    with site.served() as address:
        client = httpx.AsyncClient(base_url=address, timeout=10)
        context = following(client)
        listener = await context.__aenter__()
    # `served` has waited for the server's thread: the stream has an end, not a break
    with pytest.raises(EOFError):
        while True:
            await listener.block()
    await context.__aexit__(None, None, None)
    await client.aclose()


@pytest.mark.parametrize("text", ["-1", "one", "1" * 30, "1.5"])
async def test_a_bad_last_event_id_is_refused(site: Site, text: str) -> None:
    async with served(site) as client:
        answer = await client.get("/api/events", headers={"last-event-id": text})
    assert answer.status_code == 400
    assert "Last-Event-ID" in answer.json()["error"]
