import pytest

from pipeline.errors import Unavailable
from pipeline.feeds.article import read_article
from pipeline.feeds.fetch import Page

ROBOT = """We've detected unusual activity from your computer network. To continue, please click
the box below to let us know you're not a robot. Why did this happen? Please make sure your browser
supports JavaScript and cookies and that you are not blocking them from loading. For more
information you can review our Terms of Service and Cookie Policy."""
CONSENT = """
<p>When you use our sites and apps, we use cookies to provide our sites and apps to you,
authenticate users, apply security measures, and prevent spam and abuse.</p><p>If you click
'Accept all', we and our partners, including 237 who are part of the Transparency & Consent
Framework, will also store and/or access information on a device (in other words, use cookies)
and use precise geolocation data and other personal data such as IP address and browsing and
search data, for personalised advertising and content, advertising and content measurement, and
audience research. If you do not want us and our partners to use cookies and personal data for
these additional purposes, click 'Reject all'. If you would like to customise your choices,
click 'Manage privacy settings'.</p><p>You can withdraw your consent or change your choices at
any time.</p>"""
STORY = """<p>Banks close branches in poor quarters faster than elsewhere, a study said on
Monday, and many who live there find none. Regulators are watching with concern.</p><p>The
regulator said that it would look at the fees of the lenders next year, and their trade body said
that it would cooperate with any such inquiry. Shares of the four
largest lenders were little changed.</p>"""


def page(title: str, body: str, head: str = "") -> bytes:
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    ).encode()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (page("403 Forbidden", "<h1>403 Forbidden</h1><hr>nginx"), "refusal"),
        (page("", "<h1>Forbidden</h1><p>You don't have permission to access / here."), "refusal"),
        (page("Access Denied", "<h1>Access Denied</h1>Reference #18.4f"), "robots|refusal"),
        (page("Just a moment...", "<noscript>Enable JavaScript and cookies</noscript>"), "robots"),
        (page("Bloomberg - Are you a robot?", f"<p>{ROBOT}</p>"), "robots"),
        (page("安全验证", "<p>请完成下方验证后继续访问</p>"), "robots"),
        (page("访问被拒绝", "<p>您没有权限访问该页面</p>"), "refusal"),
        (page("Not found", "<h1>Page not found</h1><p>We looked everywhere.</p>"), "refusal"),
        (page("Too many requests", "<p>Slow down.</p>"), "refusal"),
        (page("News is part of a family of brands", CONSENT), "consent wall"),
        (page("Before you continue", CONSENT), "consent wall"),
        (page("Markets", "<form>Please log in to continue reading this article.</form>"), "login"),
        (page("News", "<div id=root></div><script src=/a.js></script>"), "a script would fill"),
        (
            page(
                "News",
                "<noscript>You need to enable JavaScript to run this app.</noscript><div id=app>",
            ),
            "a script would fill",
        ),
        # what a shell says of itself is no article either
        (
            page("Acme falls", "<div id=root></div><script src=/a.js></script>",
                 "<meta property=og:type content=article><meta property=og:title content=Acme>"),
            "a script would fill",
        ),
        (page("Sign in", "<h1>Sign in</h1><form>Email <input> Password <button>"), "login"),
        (page("Acme falls", "<p>Subscribe to unlock this article. Cancel anytime.</p>",
              "<meta property=og:type content=article>"), "paywall"),
        (page("SEC.gov | Request Rate Threshold Exceeded", "<p>Please declare your traffic by"
              " updating your user agent.</p>"), "robots"),
        (page("Oops", "<h1>Oops! Something went wrong</h1><p>Try again later.</p>"), "refusal"),
        (page("Acme News", "<p>We'll be back soon: we are performing some maintenance.</p>"),
         "refusal"),
        (page("Acme News", "<p>We recognize you are attempting to access this site from"
              " the European Economic Area, which enforces the General Data Protection Regulation"
              " (GDPR), and therefore access cannot be granted at this time.</p>"), "refusal"),
        (page("acme.com", "<p>Please enable JS and disable any ad blocker</p><script>x</script>"),
         "a script would fill"),
        (page("提示", "<p>抱歉，您访问的页面找不到了，可能已删除。</p>"), "refusal"),
        (page("News", ""), "without text"),
        (b"", "an empty answer"),
        (b"forbidden", "not an HTML page"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not an HTML page"),
    ],
)  # fmt: skip
def test_a_page_that_refuses_is_no_article_and_says_what_it_is(content: bytes, what: str) -> None:
    with pytest.raises(Unavailable, match=what):
        read_article(Page(url="https://news.example/1", content=content))


@pytest.mark.parametrize(
    "content",
    [
        page("Acme wins", "<p>Shares of Acme rose 5% on Monday after results.</p>"),
        page("快讯", "<p>贵州茅台公告称，公司第一季度净利润同比增长百分之十二，超出预期。</p>"),
        page("Access denied: how banks shut out the poor", STORY,
             "<meta property=og:type content=article>"),
        page("Court: Forbidden City tours restricted", STORY),
        page("Google drops its captcha", STORY),
        page("Korea: short selling of shares remains forbidden for the rest of the year", STORY),
        page("Google changes its cookie policy", STORY + "<p>Its partners agree on cookies.</p>",
             "<meta property=og:type content=article>"),
    ],
)  # fmt: skip
def test_an_article_about_access_is_an_article(content: bytes) -> None:
    article = read_article(Page(url="https://news.example/1", content=content))
    assert article.title
    assert article.text
