"""Press and filing feeds of authorities, by the word the feed file uses: `preset: ecb`.

Each is a whole entry; what the feed file says beside the word goes before what stands here.
Addresses are as their publishers give them.
"""

from collections.abc import Mapping

_PUBLIC = "public domain"
_NAMED = "free with the source named"
_SEC = "public domain; fair access rules, a contact in the user agent is wanted"
_EDGAR = "https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent&owner=include&count=100"


def _press(
    publisher: str, url: str, zone: str, terms: str = _NAMED, interval: str = "10m"
) -> Mapping[str, str | int]:
    return {
        "url": url,
        "publisher": publisher,
        "publisher_family": publisher,
        "tier": 1,
        "lang": "en",
        "interval": interval,
        "zone": zone,
        "terms": terms,
    }


def _sec(url: str, interval: str) -> Mapping[str, str | int]:
    press = _press(
        "U.S. Securities and Exchange Commission", url, "America/New_York", _SEC, interval
    )
    return {**press, "publisher_family": "U.S. government"}


PRESS_PRESETS: Mapping[str, Mapping[str, str | int]] = {
    "sec-press": _sec("https://www.sec.gov/news/pressreleases.rss", "10m"),
    # EDGAR: what companies filed within the last minutes, by form
    "sec-filings": _sec(f"{_EDGAR}&output=atom", "2m"),
    "sec-8k": _sec(f"{_EDGAR}&type=8-K&output=atom", "2m"),
    "sec-10q": _sec(f"{_EDGAR}&type=10-Q&output=atom", "10m"),
    "sec-10k": _sec(f"{_EDGAR}&type=10-K&output=atom", "10m"),
    "federal-reserve": _press(
        "Federal Reserve",
        "https://www.federalreserve.gov/feeds/press_all.xml",
        "America/New_York",
        _PUBLIC,
        "5m",
    ),
    "ecb": _press(
        "European Central Bank",
        "https://www.ecb.europa.eu/rss/press.html",
        "Europe/Berlin",
        interval="5m",
    ),
    "bank-of-england": _press(
        "Bank of England", "https://www.bankofengland.co.uk/rss/news", "Europe/London"
    ),
    "bank-of-canada": _press(
        "Bank of Canada",
        "https://www.bankofcanada.ca/content_type/press-releases/feed/",
        "America/Toronto",
    ),
    "bank-of-japan": _press(
        "Bank of Japan", "https://www.boj.or.jp/en/rss/whatsnew.xml", "Asia/Tokyo"
    ),
    "rba": _press(
        "Reserve Bank of Australia",
        "https://www.rba.gov.au/rss/rss-cb-media-releases.xml",
        "Australia/Sydney",
        "Creative Commons BY 4.0",
    ),
    "rbi": _press(
        "Reserve Bank of India", "https://www.rbi.org.in/pressreleases_rss.xml", "Asia/Kolkata"
    ),
    "bis": _press(
        "Bank for International Settlements",
        "https://www.bis.org/doclist/all_pressrels.rss",
        "Europe/Zurich",
        "headlines and links; non-commercial use",
        "30m",
    ),
}
