"""Links as pages and feeds write them, to addresses that lead somewhere."""

from urllib.parse import urljoin, urlsplit


def absolute(link: str | None, base: str) -> str | None:
    """The link as an absolute http(s) URL, None for anything else."""
    if not link or len(link) > 4_000:
        return None
    try:
        url = urljoin(base, "".join(link.split()))
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None
