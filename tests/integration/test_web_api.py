"""The API over real SQL: what it answers, what it refuses, and what it never lets out."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from sqlalchemy import Engine, update

from pipeline.documents import DocumentId, SubjectId
from pipeline.errors import Unavailable
from pipeline.stores.database import connect, writing
from pipeline.stores.memory import MemoryTrendStore
from pipeline.stores.tables import alerts as alerts_table
from pipeline.trends import EVERYTHING, SeriesKey, Totals
from tests.web_site import (
    DAWN,
    NEGATIVE,
    NOON,
    POSITIVE,
    Site,
    alarm,
    minutes,
    news,
)
from workers.web.document_queries import Wanted, list_documents
from workers.web.overview import StreamFigures
from workers.web.parameters import Cursor, parsed
from workers.web.parameters import cursor as cursor_parameter

SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def site(engine: Engine) -> Site:
    return Site(engine)


@pytest.fixture
async def api(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(site.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
        yield client


async def got(api: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await api.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: httpx.AsyncClient, path: str) -> str:
    answer = await api.get(path)
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    return str(body["error"])


async def test_alerts_come_last_changed_first_and_whole(site: Site, api: httpx.AsyncClient) -> None:
    site.alert(alarm("old", updated_at=NOON + minutes(1)))
    site.alert(alarm("new", updated_at=NOON + minutes(5)))
    page = await got(api, "/api/alerts")
    assert [alert["fingerprint"] for alert in page["alerts"]] == ["new", "old"]
    assert page["next"] is None
    assert page["alerts"][0]["arithmetic"]["interval"] == [0.0, 5.0]


async def test_alerts_are_filtered_by_each_parameter(site: Site, api: httpx.AsyncClient) -> None:
    site.alert(alarm("a", state="pending", severity=20))
    site.alert(alarm("b", state="resolved", severity=90, updated_at=NOON + minutes(9)))
    site.alert(alarm("c", subject="MSFT", topic="Macro", severity=50, rule="topics"))

    async def names(**parameters: Any) -> set[str]:
        page = await got(api, "/api/alerts", **parameters)
        return {alert["fingerprint"] for alert in page["alerts"]}

    assert await names(state="open") == {"a", "c"}
    assert await names(state="resolved") == {"b"}
    assert await names(severity=50) == {"b", "c"}
    assert await names(subject="MSFT") == {"c"}
    assert await names(topic="Macro") == {"c"}
    assert await names(rule="topics") == {"c"}
    assert await names(source="rss:none") == set()
    assert await names(since=(NOON + minutes(5)).isoformat()) == {"b"}


async def test_pages_of_alerts_hold_each_alert_once(site: Site, api: httpx.AsyncClient) -> None:
    # equal times are the hard case: only the rest of the key tells the rows apart
    for number in range(7):
        site.alert(alarm(f"f{number}"))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        given = {"cursor": cursor} if cursor else {}
        page = await got(api, "/api/alerts", limit=3, **given)
        seen += [alert["fingerprint"] for alert in page["alerts"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"f{number}" for number in range(7)]


async def test_an_alert_shows_who_acknowledged_it_since(site: Site, api: httpx.AsyncClient) -> None:
    site.alert(alarm("f1"))
    with writing(site.engine) as connection:
        connection.execute(update(alerts_table).values(acknowledged_by="ada"))
    page = await got(api, "/api/alerts")
    assert page["alerts"][0]["acknowledged_by"] == "ada"


async def test_one_alert_comes_with_its_steps_and_episodes(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.alert(alarm("f1", state="resolved", opened_at=DAWN))
    site.alert(alarm("f1", state="pending"))
    site.alert(alarm("f1", revision=2, updated_at=NOON + minutes(2)))
    found = await got(api, "/api/alerts/f1")
    assert found["alert"]["revision"] == 2
    assert [step["state"] for step in found["steps"]] == ["pending", "firing"]
    assert len(found["episodes"]) == 2
    earlier = await got(api, "/api/alerts/f1", opened_at=DAWN.isoformat())
    assert earlier["alert"]["state"] == "resolved"


async def test_an_unknown_alert_is_not_found(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/alerts/none")
    assert answer.status_code == 404
    assert answer.json() == {"error": "no such alert"}


async def test_points_count_documents_with_the_interval_of_their_share(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.publish(
        news("a", NOON, sentiment=NEGATIVE),
        news("b", NOON + timedelta(seconds=30), sentiment=POSITIVE),
        news("c", NOON, sentiment=None),
        news("d", NOON + minutes(3)),
    )
    answer = await got(
        api,
        "/api/series/points",
        series="subject=AAPL",
        **{"from": NOON.isoformat(), "to": (NOON + minutes(10)).isoformat()},
    )
    first, second = answer["points"]
    assert answer["live"] is True
    assert (first["documents"], first["negative"], first["positive"]) == (3, 1, 1)
    assert first["negative_share"] == 0.5
    assert 0 < first["share_low"] < 0.5 < first["share_high"] < 1
    assert (second["neutral"], second["negative_share"], second["share_low"]) == (1, 0.0, 0.0)


async def test_wider_buckets_hold_the_sum_of_their_minutes(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.publish(*(news(f"d{n}", NOON + minutes(n)) for n in range(90)))
    hours = await got(api, "/api/series/points", series="*", width="1h")
    assert [point["documents"] for point in hours["points"]] == [60, 30]
    days = await got(api, "/api/series/points", series="*", width="1d")
    assert [point["documents"] for point in days["points"]] == [90]


async def test_metrics_of_a_window_are_those_of_its_minutes(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.publish(
        news("a", NOON - minutes(90)),
        news("b", NOON - minutes(5), sentiment=NEGATIVE),
        news("c", NOON, sentiment=NEGATIVE),
    )
    found = await got(api, "/api/series/metrics", series="*", window="1h", at=NOON.isoformat())
    assert (found["documents"], found["negative_share"]) == (2, 1.0)
    assert (found["velocity"], found["acceleration"]) == (1.0, 0.0)
    assert -1 < found["sentiment_index"] < 0
    assert found["window_seconds"] == 3600
    history = await got(
        api, "/api/series/metrics", series="*", window="7d", at="2001-01-01T00:00:00Z"
    )
    assert (history["documents"], history["negative_share"]) == (0, None)


async def test_history_and_live_minutes_meet_without_gap_or_double(
    site: Site, api: httpx.AsyncClient
) -> None:
    totals = Totals(documents=2, negative=1, neutral=1)
    for day in range(20):
        site.remember(EVERYTHING, NOON - timedelta(days=day), totals)
    # the newest minute is in Redis too, and has grown since the history was written
    site.publish(*(news(f"d{n}", NOON) for n in range(5)))
    answer = await got(
        api,
        "/api/series/points",
        series="*",
        width="1d",
        **{"from": (NOON - timedelta(days=19)).isoformat()},
    )
    assert [point["documents"] for point in answer["points"]] == [2] * 19 + [5]


async def test_history_fills_in_for_a_redis_that_was_restarted_empty(
    site: Site, api: httpx.AsyncClient
) -> None:
    key = SeriesKey(subject=SubjectId("AAPL"))
    site.remember(key, NOON, Totals(documents=9, negative=4, neutral=5))
    site.publish(news("late", NOON, sentiment=NEGATIVE))
    answer = await got(api, "/api/series/points", series=str(key))
    assert [point["documents"] for point in answer["points"]] == [9]


async def test_series_are_listed_busiest_first_and_found_by_words(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.publish(news("a", subjects=("MSFT",)), news("b"))
    site.remember(SeriesKey(subject=SubjectId("AAPL")), NOON, Totals(documents=40))
    found = await got(api, "/api/series")
    assert found["series"][0]["series"] == "subject=AAPL"
    assert found["series"][0]["documents"] == 40
    narrowed = await got(api, "/api/series", search="msft earn")
    assert [one["series"] for one in narrowed["series"]] == ["subject=MSFT|topic=Earnings"]
    limited = await got(api, "/api/series", limit=1)
    assert len(limited["series"]) == 1
    assert limited["matching"] == found["matching"] > 3


async def test_documents_are_filtered_and_paged(site: Site, api: httpx.AsyncClient) -> None:
    site.publish(
        news("a", NOON, title="Apple sued"),
        news("b", NOON + minutes(1), sentiment=NEGATIVE, subjects=("AAPL", "MSFT")),
        news("c", NOON + minutes(2), topic="Macro", source="rss:other", lang="zh", subjects=()),
    )

    async def names(**parameters: Any) -> list[str]:
        page = await got(api, "/api/documents", **parameters)
        return [document["id"] for document in page["documents"]]

    assert await names() == ["c", "b", "a"]
    assert await names(subject="AAPL") == ["b", "a"]
    assert await names(subject="AAPL", sentiment="negative") == ["b"]
    assert await names(topic="Macro") == ["c"]
    assert await names(source="rss:other") == ["c"]
    assert await names(lang="zh") == ["c"]
    assert await names(search="SUED") == ["a"]
    assert await names(search="%") == []
    assert await names(**{"from": (NOON + minutes(1)).isoformat()}) == ["c", "b"]
    assert await names(to=(NOON + minutes(1)).isoformat()) == ["a"]
    first = await got(api, "/api/documents", limit=2)
    rest = await got(api, "/api/documents", limit=2, cursor=first["next"])
    assert [one["id"] for one in rest["documents"]] == ["a"]
    assert rest["next"] is None
    assert first["documents"][1]["subjects"][0]["relevance"] == 0.9


async def test_a_document_says_whether_it_is_suspected_to_be_spam(
    site: Site, api: httpx.AsyncClient
) -> None:
    spam = news("b")
    site.publish(news("a"), replace(spam, story=replace(spam.story, suspected_spam=True)))
    page = await got(api, "/api/documents")
    said = {document["id"]: document["suspected_spam"] for document in page["documents"]}
    assert said == {"a": False, "b": True}


async def test_a_document_shows_the_beginning_of_its_text_only(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.publish(news("a", title=None, text="word " * 1000))
    page = await got(api, "/api/documents")
    assert len(page["documents"][0]["excerpt"]) == 280
    assert "text" not in page["documents"][0]


async def test_stats_add_up(site: Site, api: httpx.AsyncClient) -> None:
    site.figures = StreamFigures(lag={"classify": 3}, dead_letters=2)
    site.synthetic = True
    site.publish(news("a"), news("b", sentiment=None), archived_at=NOON - minutes(1))
    site.alert(alarm("f1"))
    transport = httpx.ASGITransport(site.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as other:
        stats = await got(other, "/api/stats")
    assert (stats["documents"], stats["classified"], stats["dead_letters"]) == (2, 1, 2)
    assert stats["alerts"] == {"pending": 0, "firing": 1, "resolved": 0}
    assert stats["lag"] == {"classify": 3}
    assert stats["synthetic"] is True
    assert [minute["documents"] for minute in stats["throughput"][-3:]] == [0, 2, 0]
    assert stats["stream_time"] == NOON.isoformat().replace("+00:00", "Z")


async def test_what_is_not_known_is_null(api: httpx.AsyncClient) -> None:
    stats = await got(api, "/api/stats")
    assert stats["lag"] is None
    assert stats["dead_letters"] is None
    assert stats["stream_time"] is None


@pytest.mark.parametrize("topic", ["documents", "classified", "trends", "alerts", "dead-letters"])
async def test_the_schema_of_each_topic_is_published(api: httpx.AsyncClient, topic: str) -> None:
    schema = await got(api, f"/api/schemas/{topic}")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == f"{topic} v1"
    missing = await api.get("/api/schemas/none")
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/alerts?state=angry", "state"),
        ("/api/alerts?severity=101", "severity"),
        ("/api/alerts?limit=0", "limit"),
        ("/api/alerts?limit=201", "limit"),
        ("/api/alerts?limit=1e2", "limit"),
        ("/api/alerts?limit=٣", "limit"),
        ("/api/alerts?since=yesterday", "since"),
        ("/api/alerts?since=2026-01-01T00:00:00", "since"),
        ("/api/alerts?since=9999-12-31T23:59:59-23:00", "since"),
        ("/api/alerts?cursor=AAAA", "cursor"),
        ("/api/alerts?cursor=W10", "cursor"),
        (
            "/api/alerts?cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgImYiLCAibm8gdGltZSJd",
            "cursor",
        ),
        ("/api/alerts?stat=firing", "stat"),
        ("/api/alerts?state=firing&state=pending", "state"),
        ("/api/alerts?subject=", "subject"),
        ("/api/alerts?subject=a%00b", "subject"),
        ("/api/alerts?subject=" + "a" * 501, "subject"),
        ("/api/series/points", "series"),
        ("/api/series/points?series=color%3Dred", "series"),
        ("/api/series/points?series=*&width=2m", "width"),
        ("/api/series/points?series=*&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("/api/series/points?series=*&from=2020-01-01T00:00:00Z", "width"),
        ("/api/documents?sentiment=sad", "sentiment"),
        ("/api/documents?cursor=" + "A" * 4000, "cursor"),
        ("/api/documents?cursor=" + str(Cursor(SOME_DAY, ("a\x00b",))), "cursor"),
        ("/api/alerts?cursor=" + str(Cursor(SOME_DAY, ("f1", "2026-01-01T00:00:00"))), "cursor"),
        (
            "/api/alerts?cursor=" + str(Cursor(SOME_DAY, ("f1", "0001-01-01T00:00:00+23:00"))),
            "cursor",
        ),
        ("/api/alerts/x%00y", "fingerprint"),
        ("/api/stats?x=1", "x"),
        ("/api/events?after=1", "after"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(
    api: httpx.AsyncClient, path: str, named: str
) -> None:
    assert named in await refused(api, path)


async def test_hostile_text_in_a_parameter_finds_nothing_and_breaks_nothing(
    site: Site, api: httpx.AsyncClient
) -> None:
    site.alert(alarm("f1"))
    for text in ("' OR 1=1 --", "😀", "a'; DROP TABLE alerts;", "\\", "%_"):
        assert (await got(api, "/api/alerts", subject=text))["alerts"] == []
        assert (await got(api, "/api/documents", search=text))["documents"] == []
    assert len((await got(api, "/api/alerts"))["alerts"]) == 1


async def test_only_reading_is_allowed(api: httpx.AsyncClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await api.request(method, "/api/alerts")
        assert answer.status_code == 405
        assert "error" in answer.json()


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/stats", "/none", "/api/alerts?limit=0"])
async def test_every_answer_carries_the_security_headers(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers


async def test_no_file_beside_the_page_can_be_asked_for(api: httpx.AsyncClient) -> None:
    for path in ("/../app.py", "/static/app.js", "/%2e%2e/app.py", "/index.html", "/app.py"):
        assert (await api.get(path)).status_code == 404


async def test_the_page_loads_nothing_from_elsewhere(api: httpx.AsyncClient) -> None:
    page = (await api.get("/")).text
    assert "//" not in page.replace("<!--", "").split("<body>")[0]
    for name in ("app.js", "page.js", "chart.js", "alerts.js", "picker.js", "style.css"):
        answer = await api.get(f"/{name}")
        assert answer.status_code == 200
        for trick in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert trick not in answer.text
        # the one address that is a name and is never asked: SVG's own
        assert answer.text.replace("http://www.w3.org/2000/svg", "").count("http://") == 0
        again = await api.get(f"/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


async def test_a_foreign_host_name_is_refused_on_a_loopback_address(site: Site) -> None:
    transport = httpx.ASGITransport(site.app(allowed_hosts=frozenset({"localhost"})))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:1") as near:
        assert (await near.get("/health/live")).status_code == 200
        rebound = await near.get("/api/alerts", headers={"host": "evil.example:1"})
    assert rebound.status_code == 421
    assert rebound.headers["x-frame-options"] == "DENY"


class AwayTrendStore(MemoryTrendStore):
    """A Redis that does not answer."""

    def now(self) -> Any:
        raise Unavailable("Redis at 10.0.0.1: refused")

    def series(self) -> Any:
        raise Unavailable("Redis at 10.0.0.1: refused")

    def buckets(self, series: Any, start: Any, end: Any) -> Any:
        raise Unavailable("Redis at 10.0.0.1: refused")


async def test_without_redis_the_history_still_answers(site: Site) -> None:
    site.remember(EVERYTHING, NOON, Totals(documents=3))
    site.store = AwayTrendStore()
    transport = httpx.ASGITransport(site.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as api:
        points = await got(
            api, "/api/series/points", series="*", to=(NOON + minutes(1)).isoformat()
        )
        assert (points["live"], points["points"][0]["documents"]) == (False, 3)
        assert (await got(api, "/api/series"))["matching"] == 1
        assert (await got(api, "/api/stats"))["stream_time"] is None
        ready = await api.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["checks"] == {"database": "ok", "redis": "does not answer"}
        assert (await api.get("/health/live")).status_code == 200


async def test_a_database_that_is_away_is_told_without_its_address(site: Site) -> None:
    class AwayEngine:
        """Raises what `reading` makes of a refused connection."""

        dialect = site.engine.dialect

        def connect(self) -> Any:
            raise Unavailable("postgresql://secret@10.0.0.1: refused")

    gone = Site(AwayEngine())  # type: ignore[arg-type]
    transport = httpx.ASGITransport(gone.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as api:
        answer = await api.get("/api/alerts")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "secret" not in answer.text
        assert (await api.get("/api/events")).status_code == 503
        assert (await api.get("/health/ready")).json()["checks"]["database"] == "does not answer"


async def test_our_own_mistake_shows_no_traceback(site: Site) -> None:
    class BrokenTrendStore(MemoryTrendStore):
        def now(self) -> Any:
            raise RuntimeError("secret detail")

    site.store = BrokenTrendStore()
    transport = httpx.ASGITransport(site.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as api:
        answer = await api.get("/api/stats")
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error"}


async def test_a_hostile_title_is_only_ever_text(site: Site, api: httpx.AsyncClient) -> None:
    site.publish(news("x", title="<script>alert(1)</script>", url="javascript:alert(2)"))
    answer = await api.get("/api/documents")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["documents"][0]["title"] == "<script>alert(1)</script>"
    assert DocumentId(answer.json()["documents"][0]["id"]) == "x"


async def test_a_rare_condition_is_looked_for_in_bounded_steps(site: Site) -> None:
    # equal times again: the edge of a step falls between rows that only the id tells apart
    site.publish(*(news(f"d{n:02}", topic="Rare" if n % 10 == 0 else "Usual") for n in range(45)))
    found: list[str] = []
    cursor: Cursor | None = None
    steps = 0
    while True:
        page = list_documents(site.engine, Wanted(topic="Rare"), 2, cursor, most_looked_at=7)
        found += [document.id for document in page.documents]
        steps += 1
        if page.next is None:
            break
        cursor = parsed((cursor_parameter(1),), [("cursor", page.next)])["cursor"]
    assert found == ["d40", "d30", "d20", "d10", "d00"]
    assert steps == 7


async def test_a_database_without_its_tables_is_not_ready(tmp_path: Path) -> None:
    empty = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    transport = httpx.ASGITransport(Site(empty).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as api:
        answer = await api.get("/health/ready")
    empty.dispose()
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "cannot be used", "redis": "ok"}
