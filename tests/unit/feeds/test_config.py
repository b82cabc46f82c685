from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.feeds.config import parse_feeds, read_feeds
from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.kinds import FEEDS
from pipeline.feeds.press_presets import PRESS_PRESETS

ROOT = Path(__file__).parents[3]


def test_every_key_of_a_feed_is_read() -> None:
    file = parse_feeds(
        """
contact: ops@bank.example
feeds:
  - name: fed-press
    kind: rss
    url: https://www.federalreserve.gov/feeds/press_all.xml
    publisher: Federal Reserve
    publisher_family: Fed
    tier: 1
    lang: en
    interval: 90s
    zone: America/New_York
    fastest: 30s
    slowest: 1h
    silent_after: 2d
    robots: ignore
    headers: {Accept-Language: en, Authorization: "Bearer ${TOKEN}"}
    terms: public domain
    allow_private: true
  - {name: quiet, url: "http://a.example/", enabled: false}
  - {name: "7", url: "http://b.example/"}
""",
        variable={"TOKEN": "hidden"}.get,
    )
    assert file.contact == "ops@bank.example"
    assert file.sources[0] == SourceConfig(
        name="fed-press",
        url="https://www.federalreserve.gov/feeds/press_all.xml",
        publisher="Federal Reserve",
        publisher_family="Fed",
        tier=1,
        lang="en",
        interval=timedelta(seconds=90),
        zone="America/New_York",
        fastest=timedelta(seconds=30),
        slowest=timedelta(hours=1),
        silent_after=timedelta(days=2),
        robots=False,
        headers={"Accept-Language": "en", "Authorization": "Bearer hidden"},
        terms="public domain",
        allow_private=True,
    )
    assert file.sources[1] == SourceConfig(name="7", url="http://b.example/")
    assert file.sources[1].source == "rss:7"
    assert "hidden" not in repr(file)


GOOD = "feeds:\n  - name: a\n    url: https://a.example/\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", r"f:1: the file must be keys"),
        ("- a", r"f:1: the file must be keys"),
        ("feeds: 7", r"f:1: feeds: a list"),
        ("contact: a b\nfeeds: []", r"f:1: contact: an address without spaces"),
        ("feed: []", r"f:1: feed: unknown key; did you mean feeds\?"),
        ("feeds:\n  - text", r"f:2: a feed must be keys"),
        ("feeds:\n  - name: a", r"f:2: url: is missing"),
        ("feeds:\n  - url: https://a.example/", r"f:2: name: is missing"),
        (GOOD + "    intervall: 5m", r"f:4: intervall: unknown key; did you mean interval\?"),
        (GOOD + "    colour: red", r"f:4: colour: unknown key; known are name, kind"),
        (GOOD + "    name: b", r"f:4: name: is given twice"),
        (GOOD + "  - {name: a, url: 'https://b.example/'}", r"f:4: name: 'a' is taken .* line 2"),
        ("feeds:\n  - {name: A B, url: 'https://b.example/'}", r"f:2: name: 'A B': lower-case"),
        (GOOD + "    kind: html", r"f:4: kind: 'html' is not one of rss"),
        (GOOD + "    tier: 4", r"f:4: tier: 1, 2 or 3"),
        (GOOD + "    tier: true", r"f:4: tier: 1, 2 or 3"),
        (GOOD + "    lang: english language", r"f:4: lang: 'english language' is not a tag"),
        (GOOD + "    interval: 5", r"f:4: interval: '5' is not 10s to 7d"),
        (GOOD + "    interval: 1s", r"f:4: interval: '1s' is not 10s to 7d"),
        (GOOD + "    interval: 9999999d", r"f:4: interval:"),
        (GOOD + "    fastest: 1s", r"f:4: fastest: '1s' is not 10s to 7d"),
        (GOOD + "    fastest: 6m", r"f:4: fastest: is longer than the interval"),
        (GOOD + "    slowest: 4m", r"f:4: slowest: is shorter than the interval"),
        (GOOD + "    silent_after: never", r"f:4: silent_after: 'never' is not 10s to 7d"),
        (GOOD + "    robots: false", r"f:4: robots: 'false' is not obey or ignore"),
        (GOOD + "    headers: text", r"f:4: headers: names with values"),
        (GOOD + "    headers:\n      X: [a]", r"f:5: headers: X: one line of text"),
        (GOOD + "    headers: {A: b, a: c}", r"f:4: headers: a is given twice"),
        (GOOD + "    headers: {'A b': c}", r"f:4: headers: 'A b' is no name"),
        (GOOD + "    headers: {host: c}", r"f:4: headers: host: is set by the fetcher"),
        (GOOD + "    headers: {User-Agent: c}", r"f:4: headers: User-Agent: is set by"),
        (GOOD + "    headers: {X-Api-Key: c}", r"f:4: headers: X-Api-Key: a secret has no place"),
        (GOOD + "    headers: {X: '${NONE}'}", r"f:4: headers: the variable NONE is not set, nor"),
        (GOOD + "    headers: {X_file: /none}", r"f:4: headers: X: /none cannot be read: No such"),
        (GOOD + "    headers: {X: 'ä'}", r"f:4: headers: X: its value is not one line of ASCII"),
        (GOOD + "    zone: Mars/Olympus", r"f:4: zone: 'Mars/Olympus' is not a zone"),
        (GOOD + "    zone: ../../etc/passwd", r"f:4: zone:"),
        (GOOD + "    allow_private: perhaps", r"f:4: allow_private: true or false"),
        (GOOD + "    enabled: 1", r"f:4: enabled: true or false"),
        (GOOD + "    terms:", r"f:4: terms: one line of text"),
        (GOOD + "    terms: [a]", r"f:4: terms: one line of text"),
        ("feeds:\n  - name: a\n    url: ftp://a.example/", r"f:3: url: only http and https"),
        ("feeds:\n  - name: a\n    url: a.example", r"f:3: url: only http and https"),
        ("feeds:\n  - name: a\n    url: 'http://a:99999/'", r"f:3: url: no port 99999"),
        ("feeds:\n  - name: a\n    url: https://me:pw@a.example/", r"f:3: url: holds a user"),
        ("feeds:\n  - name: 'a", r"f:\d: "),
        ("feeds: !!python/object:os.system x", r"f:1: feeds: a list"),
        ("a\x00b", r"f: not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        parse_feeds(text, "f")


def test_a_secret_in_a_url_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigurationError) as failure:
        parse_feeds("feeds:\n  - name: a\n    url: https://me:hidden@a.example/")
    assert "hidden" not in str(failure.value)


def test_a_secret_comes_from_the_environment_or_a_file_and_is_never_repeated(
    tmp_path: Path,
) -> None:
    (tmp_path / "key").write_text("hidden\n")
    environment = {"A": "one", "B_FILE": str(tmp_path / "key"), "BAD": "hid\nden"}.get
    text = GOOD + "    headers: {X: 'v ${A} ${B}', Authorization_file: " + f"{tmp_path}/key}}"
    (source,) = parse_feeds(text, variable=environment).sources
    assert source.headers == {"X": "v one hidden", "Authorization": "hidden"}
    with pytest.raises(ConfigurationError, match="not one line") as failure:
        parse_feeds(GOOD + "    headers: {X: '${BAD}'}", variable=environment)
    assert "hid" not in str(failure.value)


def test_a_missing_file_is_told_with_the_setting_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_FEEDS"):
        read_feeds(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_bytes(b"feeds: \xff")
    with pytest.raises(ConfigurationError, match="not UTF-8 at byte 7"):
        read_feeds(tmp_path / "feeds.yaml")


def test_the_shipped_feeds_are_complete_and_in_both_languages() -> None:
    sources = read_feeds(ROOT / "feeds.yaml").sources
    assert len(sources) >= 30
    assert sum(source.lang == "zh" for source in sources) >= 10
    assert sum(source.lang == "en" for source in sources) >= 20
    assert len({source.url for source in sources}) == len(sources)
    assert {source.tier for source in sources} == {1, 2, 3}
    for source in sources:
        assert source.kind in FEEDS
        assert source.publisher
        assert source.publisher_family
        assert source.terms
        assert source.interval >= timedelta(minutes=1)
        assert not source.allow_private


def test_a_preset_of_an_authority_is_a_whole_entry_that_can_be_changed() -> None:
    text = (
        "feeds:\n  - {name: a, preset: ecb}\n  - {name: b, preset: sec-8k, interval: 7m, tier: 2}"
    )
    ecb, sec = parse_feeds(text).sources
    assert (ecb.kind, ecb.publisher, ecb.zone) == ("rss", "European Central Bank", "Europe/Berlin")
    assert "type=8-K" in sec.url
    assert (sec.interval, sec.tier) == (timedelta(minutes=7), 2)
    with pytest.raises(ConfigurationError, match=r"f:2: preset: 'edgar' is not one of sec-press"):
        parse_feeds("feeds:\n  - {name: a, preset: edgar}", "f")


def test_a_preset_of_an_api_says_its_kind() -> None:
    (source,) = parse_feeds(
        "feeds:\n  - {name: a, preset: reddit, url: 'https://r.example/new.json'}"
    ).sources
    assert (source.kind, source.options) == ("json", {"preset": "reddit"})


def test_every_preset_of_an_authority_can_be_asked_and_is_what_the_shipped_file_says() -> None:
    shipped = {source.url: source for source in read_feeds(ROOT / "feeds.yaml").sources}
    lines = "".join(f"  - {{name: p{n}, preset: {one}}}\n" for n, one in enumerate(PRESS_PRESETS))
    sources = parse_feeds("feeds:\n" + lines).sources
    assert len(sources) == len(PRESS_PRESETS)
    both = [one for one in sources if one.url in shipped]
    assert len(both) >= 10
    for source in both:
        assert replace(shipped[source.url], name=source.name) == source
