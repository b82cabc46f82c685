"""The page in a real browser: it shows what is there, moves by itself, and runs nobody's script."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.lifecycle import AlertEvidence
from pipeline.documents import ClassifiedDocument, DocumentId, Sentiment
from pipeline.trends import EVERYTHING
from tests.browser.chromium import Browser, Page, chromium
from tests.web_site import (
    NEGATIVE,
    NEUTRAL,
    NOON,
    POSITIVE,
    QUICK,
    Site,
    alarm,
    minutes,
    new_site,
    news,
)

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.tab() as tab:
        tab.size(1440, 1000)
        yield tab


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as made:
        made.pace = QUICK
        yield made


def two_days(seed: int = 7) -> list[ClassifiedDocument]:
    """Two days of ordinary news, and a surge of bad ones about one company at the end."""
    chance = random.Random(seed)
    feelings: list[Sentiment | None] = [NEGATIVE, NEUTRAL, POSITIVE, None]
    found = []
    for number in range(1500):
        at = NOON - minutes(chance.random() * 48 * 60)
        feeling = chance.choices(feelings, (12, 55, 28, 5))[0]
        company = chance.choice(("AAPL", "MSFT", "BARC.L", "600519.SS"))
        found.append(news(f"d{number}", at, sentiment=feeling, subjects=(company,)))
    for number in range(40):
        at = NOON - minutes(chance.random() * 90)
        found.append(
            news(
                f"bad{number}",
                at,
                title=f"Regulator widens its inquiry into Apple, part {number}",
                sentiment=NEGATIVE,
            )
        )
    return found


def evidence(count: int, at: datetime = NOON) -> list[AlertEvidence]:
    return [
        AlertEvidence(
            id=DocumentId(f"bad{number}"),
            at=at - minutes(number),
            title=f"Regulator widens its inquiry into Apple, part {number}",
            publisher=("The Wire", "Morning Ledger", "Harbour Post")[number % 3],
            url=f"https://news.example/{number}",
            sentiment=NEGATIVE,
            story=f"s{number}",
            story_size=1 + number,
            independent_publishers=1 + number // 2,
            words=("inquiry", "widens", "<b>"),
        )
        for number in range(count)
    ]


def test_an_alert_appears_without_a_reload(page: Page, site: Site, tmp_path: Path) -> None:
    site.publish(*two_days())
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('#open-alerts .state')?.innerText.includes('No alert')")
        page.until("document.getElementById('live').dataset.state === 'live'")
        page.evaluate("window.sameDocument = true")
        site.alert(alarm("f1", evidence=evidence(4), opened_at=NOON - minutes(40)))
        page.until("document.querySelector('#open-alerts [data-fingerprint=f1]')")
        card = page.evaluate("document.querySelector('[data-fingerprint=f1]').innerText")
        for part in ("AAPL", "severity 60", "14", "1.8", "0 to 5", "3.2 × 10⁻⁹", "Harbour Post"):
            assert part in card
        marked = (
            "[...document.querySelectorAll('[data-fingerprint=f1] mark')].map(m => m.innerText)"
        )
        assert page.evaluate(marked) == ["widens", "inquiry"] * 4
        assert page.evaluate("window.sameDocument") is True
        # it changes in place too, and leaves the list of the open ones when it is resolved
        resolved = alarm(
            "f1",
            state="resolved",
            revision=2,
            opened_at=NOON - minutes(40),
            updated_at=NOON,
            evidence=evidence(4),
        )
        site.alert(resolved)
        page.until("document.querySelector('#resolved-alerts [data-fingerprint=f1]')")
        page.until("document.querySelector('#open-alerts .state')")
        assert len(page.screenshot(tmp_path / "page.png")) > 20_000
        assert page.errors == []


def test_an_alert_of_a_limit_claims_no_chance(page: Page, site: Site) -> None:
    """A fall of the sentiment is no count of documents, and nobody worked out its chance."""
    site.publish(*two_days())
    fallen = alarm("f2", opened_at=NOON - minutes(40), evidence=evidence(2))
    sums = replace(
        fallen.arithmetic,
        signal="sentiment_index",
        observed=-35.0,
        expected=12.0,
        interval=(12.0, 12.0),
        statistic=47.0,
        p_value=1.0,
    )
    site.alert(replace(fallen, arithmetic=sums, peak=sums))
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('#open-alerts [data-fingerprint=f2]')")
        card = page.evaluate("document.querySelector('[data-fingerprint=f2]').innerText")
        assert "sentiment -0.35, usually +0.12" in card
        for part in ("negative,", "chance", "log₁₀", "p-value", "novel negative documents"):
            assert part not in card
        assert page.errors == []


def test_the_page_asks_nobody_else(page: Page, site: Site) -> None:
    site.publish(*two_days()[:50])
    site.alert(alarm("f1", evidence=evidence(2)))
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('#chart svg rect')")
        page.until("document.querySelectorAll('#documents .document').length > 0")
        assert [url for url in page.requests if not url.startswith(address)] == []
        assert page.errors == []


def test_a_hostile_document_is_only_text(page: Page, site: Site) -> None:
    site.publish(news("x", title=HOSTILE, url="javascript:window.broken=1", subjects=(HOSTILE,)))
    bad = AlertEvidence(
        id=DocumentId("x"), at=NOON, title=HOSTILE, publisher=HOSTILE, url="javascript:alert(1)"
    )
    data = AlertEvidence(id=DocumentId("y"), at=NOON, title="data", url="data:text/html,<b>x</b>")
    site.alert(alarm("f1", subject=HOSTILE, evidence=[bad, data], rule=HOSTILE))
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('#documents .document')")
        page.until("document.querySelector('#open-alerts .evidence li')")
        assert HOSTILE in page.evaluate("document.querySelector('.evidence li').innerText")
        assert HOSTILE in page.evaluate("document.querySelector('#documents').innerText")
        assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
        links = page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.protocol)")
        assert set(links) <= {"http:", "https:"}
        assert page.evaluate("window.broken ?? null") is None
        assert page.errors == []


def test_links_of_evidence_open_apart_and_tell_nothing(page: Page, site: Site) -> None:
    site.alert(alarm("f1", evidence=evidence(1)))
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('.evidence a')")
        link = page.evaluate(
            "(({href, rel, target}) => ({href, rel, target}))"
            "(document.querySelector('.evidence a'))"
        )
    assert link["href"] == "https://news.example/0"
    assert link["target"] == "_blank"
    assert "noopener" in link["rel"]


def test_a_series_is_found_and_chosen_by_keyboard_alone(page: Page, site: Site) -> None:
    site.publish(*two_days())
    with site.served() as address:
        page.open(address)
        page.until("document.querySelector('#chart svg rect')")
        page.evaluate("document.getElementById('pick').focus()")
        page.type("msft")
        page.until(
            "[...document.querySelectorAll('#pick-list [role=option]')].length > 0 &&"
            " [...document.querySelectorAll('#pick-list [role=option]')]"
            ".every((option) => option.innerText.startsWith('MSFT'))"
        )
        page.press("ArrowDown")
        assert page.evaluate(
            "document.getElementById('pick').getAttribute('aria-activedescendant')"
        )
        page.press("Enter")
        page.until("document.getElementById('series-title').innerText.startsWith('MSFT')")
        page.until("document.querySelector('#chart svg rect.negative')")
        page.evaluate("document.getElementById('chart').focus()")
        page.press("End")
        page.press("ArrowLeft")
        page.until("/documents/.test(document.getElementById('readout').innerText)")
        # the address tells what is shown, so that it can be sent to somebody
        assert "MSFT" in page.evaluate("location.hash")
        assert page.errors == []


def test_the_chart_counts_what_the_series_holds(page: Page, site: Site) -> None:
    documents = two_days()
    site.publish(*documents)
    held = site.store.buckets(EVERYTHING, NOON - timedelta(hours=48), NOON + minutes(1))
    with site.served() as address:
        page.open(f"{address}/#series=*&range=48h")
        page.until("document.querySelectorAll('#table tbody tr').length > 40")
        shown = page.evaluate(
            "[...document.querySelectorAll('#table tbody tr')]"
            ".map((row) => Number(row.children[1].textContent.replace(/,/g, '')))"
        )
    assert sum(shown) == sum(bucket.totals.documents for bucket in held) == len(documents)


def test_a_lost_connection_is_said_and_mended(page: Page, tmp_path: Path) -> None:
    with new_site(tmp_path) as site:
        with site.served() as address:
            page.open(address)
            page.until("document.getElementById('live').dataset.state === 'live'")
            assert page.evaluate("document.getElementById('lost').hidden") is True
        page.until("!document.getElementById('lost').hidden")
        assert "Connection lost" in page.evaluate("document.getElementById('lost').innerText")
        port = int(address.rpartition(":")[2])
        with site.served(port):
            page.until("document.getElementById('live').dataset.state === 'live'")
            assert page.evaluate("document.getElementById('lost').hidden") is True


def test_synthetic_data_is_called_so(page: Page, site: Site) -> None:
    with site.served() as address:
        page.open(address)
        page.until("document.getElementById('live').dataset.state === 'live'")
        assert page.evaluate("document.getElementById('synthetic').hidden") is True
    site.synthetic = True
    with site.served() as address:
        page.open(address)
        page.until("!document.getElementById('synthetic').hidden")
        assert "Synthetic data" in page.evaluate("document.body.innerText")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 700])
def test_the_page_is_a_picture_in_both_colours_and_widths(
    page: Page, site: Site, tmp_path: Path, scheme: str, width: int
) -> None:
    site.publish(*two_days())
    site.synthetic = True
    site.alert(alarm("f1", evidence=evidence(3), opened_at=NOON - minutes(70), updated_at=NOON))
    site.alert(alarm("f2", subject=None, topic="Macro", state="pending", severity=30, observed=5))
    site.alert(
        alarm(
            "f3",
            subject="MSFT",
            state="resolved",
            opened_at=NOON - minutes(900),
            updated_at=NOON - minutes(700),
        )
    )
    page.colours(scheme)
    page.size(width, 1000)
    with site.served() as address:
        page.open(f"{address}/#series=subject%3DAAPL&range=48h")
        page.until("document.querySelector('#chart svg rect.negative')")
        page.until("document.querySelectorAll('#documents .document').length === 20")
        page.until("document.querySelector('#open-alerts .evidence li')")
        assert len(page.screenshot(tmp_path / "page.png")) > 20_000
        # nothing is pushed off the side
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.errors == []


def test_a_missing_chromium_fails_and_names_the_package(tmp_path: Path) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match="install the package `chromium`"),
        chromium(tmp_path, binaries=("no-such-browser",)),
    ):
        pass
