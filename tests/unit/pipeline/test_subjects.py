"""Linking documents to subjects, by small catalogues and by the shipped one."""

import gzip
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Catalogue, Entry, ordinary_words, shipped_catalogue
from pipeline.documents import MAX_TEXT, Document, SubjectId
from pipeline.errors import ConfigurationError
from pipeline.spans import apart_from, longest
from pipeline.subjects import CatalogueLinker, as_json, link_file, relevance
from pipeline.trends import MIN_RELEVANCE

NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)
SHIPPED = CatalogueLinker(shipped_catalogue())


def document(
    text: str, subjects: Iterable[str] = (), title: str | None = None, at: datetime = NOON
) -> Document:
    return Document(source="t", published_at=at, text=text, title=title, subjects=tuple(subjects))


def linked(
    text: str,
    subjects: Iterable[str] = (),
    linker: CatalogueLinker = SHIPPED,
    at: datetime = NOON,
) -> set[str]:
    return {one.id for one in linker.link(document(text, subjects, at=at))}


def linker_of(*entries: Entry) -> CatalogueLinker:
    return CatalogueLinker(Catalogue(words=ordinary_words()).extended(entries))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$AAPL breaks out", {"AAPL"}),
        ("$aapl breaks out", {"AAPL"}),
        ("看空$NVDA，止损", {"NVDA"}),
        ("$TSLAの株価が下落", {"TSLA"}),
        ("US$AAPL", set()),
        ("$Märkte steigen", set()),
        ("Berkshire buys, $BRK.B and $BRK-B", {"BRK.B"}),
        ("Goldman Sachs had a good quarter", {"GS"}),
        ("results of Wells Fargo and of Bank of America", {"WFC", "BAC"}),
        ("(NASDAQ: AAPL) rises", {"AAPL"}),
        ("the group (LON:BARC) said", {"BARC.L"}),
        ("the carmaker (VOW3.DE) said", {"VOW3.DE"}),
        ("#BankOfAmerica is up", {"BAC"}),
        ("AT&amp;T cuts its dividend", {"T"}),
        ("腾讯控股发布财报", {"0700.HK"}),
        ("騰訊發布業績", {"0700.HK"}),
        ("$贵州茅台(SH600519)$ 今天涨了", {"600519.SS"}),
        ("600519.SH 放量上涨", {"600519.SS"}),
        ("买入Microsoft的股票", {"MSFT"}),
        ("Nestlé warns on coffee", {"NESN.SW"}),
        ("AAPL US Equity and GM US Equity", {"AAPL", "GM"}),
        ("700 HK Equity rises", {"0700.HK"}),
        ("HK:0700 and SH:600519", {"0700.HK", "600519.SS"}),
        ("600519 CH Equity", {"600519.SS"}),
        ("BP/:LN falls, GM:US rises", {"BP.L", "GM"}),
        ("RELIANCE.NS and NSE:TCS, 500209.BO", {"RELIANCE.NS", "TCS.NS", "INFY.NS"}),
        ("BSE: 500325 is up", {"RELIANCE.NS"}),
        ("通用汽车（GM）涨6.5%", {"GM"}),
        ("特斯拉(TSLA.O)跌超5%", {"TSLA"}),
        ("中金公司：维持贵州茅台买入评级", {"600519.SS"}),
        ("港股小米集团涨，美团队伍扩大", {"1810.HK"}),
        ("天然气（LPG）主力合约", set()),
        ("加强生产，大力拓展市场，金融创新", set()),
        ("上海银行业的其中行业增长和创新地图", set()),
        ("It rained in the morning.", set()),
    ],
)
def test_a_company_is_found_by_each_way_to_name_it(text, wanted):
    assert linked(text) == wanted


@pytest.mark.parametrize(
    ("meant", "not_meant", "subject"),
    [
        ("Target's shares fell after the data breach", "analysts raise their price target", "TGT"),
        ("Gap Inc. and Old Navy report: Gap beats", "shares gap up at the open", "GAP"),
        ("Apple unveils a new iPhone", "an Apple a day keeps the doctor away", "AAPL"),
        ("Visa and Mastercard cut card fees", "he applied for a student Visa", "V"),
        ("Ally earnings beat, auto loans grow", "Britain is a close Ally of Poland", "ALLY"),
        ("Block shares jump on Cash App growth", "a Block of flats burned down", "XYZ"),
        ("平安保险业绩大涨", "祝大家一路平安", "601318.SS"),
        ("国美发布公告", "中国美元债走强", "0493.HK"),
    ],
)
def test_an_ambiguous_name_is_a_company_only_where_the_text_supports_it(meant, not_meant, subject):
    assert subject in linked(meant)
    assert subject not in linked(not_meant)


@pytest.mark.parametrize(
    ("meant", "not_meant", "subject"),
    [
        ("Why Apple 'gets away with it' in China", "an Apple a day", "AAPL"),
        ("Oracle, Rite Aid highlight a quiet week", "she went to the Oracle of Delphi", "ORCL"),
        ("Chevron seeks ways to halt a fire", "a Chevron on his sleeve", "CVX"),
        ("FedEx, UPS raise rates", "THE UPS AND DOWNS OF A TRADER", "UPS"),
        ("Micron beats", "a micron thick", "MU"),
    ],
)
def test_an_ordinary_word_stated_as_a_name_needs_its_capital_and_no_article(
    meant, not_meant, subject
):
    assert subject in linked(meant)
    assert subject not in linked(not_meant)


@pytest.mark.parametrize(
    "text",
    [
        "RT @CBOE: A look at the first day of trading",
        "@NASDAQ: 3 reasons to think of it",
        "#NYSE: RT if you agree",
        "El régimen cree que uno es pendejo, hella rich",
        "Its BRIC-solid Strategy (EXMPL) explained",
        "I liked a @YouTube video",
        "Your tweet has been featured, for iPhone",
        "sold 9.3M phones",
    ],
)
def test_what_only_looks_like_a_company_is_none(text):
    assert linked(text) == set()


def test_a_possessive_may_lack_its_apostrophe():
    assert linked("Googles mobile ad prices") == {"GOOGL"}
    assert linked("Apples cook") == set()


def test_an_s_behind_a_name_is_its_possessive_and_behind_other_words_a_plural() -> None:
    own = linker_of(
        Entry(id=SubjectId("RIL"), names=("RIL",)),
        Entry(id=SubjectId("SKS"), names=("SKS Microfinance",)),
        Entry(id=SubjectId("CAR"), names=("Car",)),
    )
    assert linked("RILs first quarter", linker=own) == {"RIL"}
    assert linked("SKS Microfinances shares", linker=own) == {"SKS"}
    assert linked("rils, Rils and RILS", linker=own) == set()
    assert linked("Cars are recalled", linker=own) == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INOX", "Inox raises its stake"),
        ("TAKE Solutions", "Take Solutions posts a profit"),
        ("US Federal Reserve", "Us Federal Reserve raises rates"),
        ("Media stocks", "a rally in media stocks"),
        ("Telefónica", "Telefonica cuts its dividend"),
        ("Ørsted", "Orsted falls"),
        ("Deutsche Börse", "Deutsche Boerse and Deutsche Borse rise"),
        ("L'Oréal", "L'Oreal sells more"),
        ("Wärtsilä", "Wartsila wins an order"),
    ],
)
def test_a_name_is_found_as_wires_spell_it(name: str, text: str) -> None:
    own = linker_of(Entry(id=SubjectId("own"), names=(name,)))
    assert linked(text, linker=own) == {"own"}


def test_a_name_in_capitals_still_needs_one() -> None:
    own = linker_of(Entry(id=SubjectId("own"), names=("INOX",)))
    assert linked("inox steel is rustproof", linker=own) == set()


def test_who_rates_under_a_double_name_is_not_who_is_rated() -> None:
    assert linked("Bank of America Merrill Lynch downgrades Tesla") == {"TSLA"}


@pytest.mark.parametrize(
    "text",
    [
        "Harrison Ford hurt on set",
        "The film of Tom J. Ford",
        "Judge: Mr. Ford may appeal",
        "Susan Dell hosts a gala",
        "The house of Tom J. Hilton",
        "Judge: Mr. Hilton may appeal",
    ],
)
def test_a_surname_is_not_the_company_that_bears_it(text: str) -> None:
    assert linked(text) == set()


def test_a_company_named_after_a_person_is_one() -> None:
    assert linked("Ralph Lauren beats") == {"RL"}
    assert linked("Michael Dell to step down") == {"DELL"}
    # the given name is the end of a place, or of another company
    assert linked("San Francisco Apple event") == {"AAPL"}
    assert linked("Raymond James Apple note") >= {"AAPL"}


def test_a_hashtag_of_three_capitals_is_a_ticker():
    assert linked("banks today #JPM") == {"JPM"}
    assert linked("on the way #UPS #ALL") == {"UPS"}


def test_what_leads_in_to_a_text_is_no_part_of_it():
    plain, passed_on = (
        SHIPPED.link(document(text))[0].relevance
        for text in ("Microsoft speaks", "RT @somebody_with_a_name: Microsoft speaks")
    )
    assert plain == passed_on == 1.0


def test_an_ambiguous_name_is_supported_by_the_ticker_the_source_gives():
    text = "I like Target a lot"
    assert linked(text) == set()
    (subject,) = SHIPPED.link(document(text, ["TGT"]))
    assert subject.id == "TGT"


def test_a_name_inside_a_longer_word_is_no_mention():
    assert linked("pineapples and googled intelligence, visaged metals") == set()


def test_the_longest_name_wins():
    bank = Entry(id=SubjectId("name:bank"), names=("Deep Harbour Bank",))
    town = Entry(id=SubjectId("name:town"), names=("Deep Harbour",))
    linker = linker_of(town, bank)
    assert linked("Deep Harbour Bank opens", linker=linker) == {"name:bank"}
    assert linked("Deep Harbour floods", linker=linker) == {"name:town"}


def test_a_longer_match_that_is_no_whole_word_does_not_hide_the_shorter_one():
    linker = linker_of(Entry(id=SubjectId("ZZ"), names=("Zorvex", "Zorvex Inc")))
    assert linked("Zorvex increases its stake", linker=linker) == {"ZZ"}


def test_a_name_in_a_web_address_is_no_mention():
    assert linked("read https://example.com/microsoft-results now") == set()


def test_a_ticker_nobody_knows_is_a_subject_of_its_own():
    (subject,) = SHIPPED.link(document("a good day", ["QQQZZ"]))
    assert (subject.id, subject.tickers) == ("ticker:QQQZZ", ("QQQZZ",))


def test_the_spelling_of_the_source_is_one_of_the_tickers():
    (subject,) = SHIPPED.link(document("rises", ["NASDAQ:AAPL"]))
    assert subject.id == "AAPL"
    assert {"AAPL", "NASDAQ:AAPL"} <= set(subject.tickers)


def test_a_source_may_give_a_subject_id():
    linker = linker_of(Entry(id=SubjectId("name:acme"), names=("Acme Anvils",)))
    assert linked("hello", ["name:acme"], linker=linker) == {"name:acme"}


def test_empty_tickers_of_the_source_are_no_subjects():
    assert SHIPPED.link(document("hello", ["", " ", "$"])) == ()


def test_a_ticker_belongs_to_whom_it_belonged_on_the_day():
    facebook = datetime(2014, 2, 19, tzinfo=UTC)
    assert linked("$FB buys a messenger", at=facebook) == {"META"}
    assert linked("$FB buys a messenger") == {"ticker:FB"}
    assert "FB" in SHIPPED.link(document("Meta Platforms rises"))[0].tickers


def test_who_rates_a_company_is_not_who_is_rated():
    assert linked("Microsoft upgraded to buy at Goldman Sachs") == {"MSFT"}
    assert linked("Goldman Sachs profit rises on trading") == {"GS"}
    assert linked("BP cut to underweight at Banco Santander") == {"BP.L"}
    assert linked("Goldman Sachs: Apple can innovate") == {"AAPL"}
    assert linked("Apple partners with Goldman Sachs") == {"AAPL", "GS"}


def test_the_account_a_text_is_passed_on_from_is_not_its_subject():
    assert "GOOGL" not in linked("A great song via @YouTube")


def test_an_abbreviation_in_brackets_is_a_ticker_only_after_its_company():
    assert linked("the chief executive (CEO) and information technology (IT)") == set()
    assert linked("Gartner (IT) rises") == {"IT"}


def test_two_subjects_with_one_name_need_support_for_one_of_them():
    linker = linker_of(
        Entry(id=SubjectId("AA"), names=("Polarin",), context=("copper",)),
        Entry(id=SubjectId("BB"), names=("Polarin",), context=("insurance",)),
    )
    assert linked("Polarin rises", linker=linker) == set()
    assert linked("Polarin finds copper", linker=linker) == {"AA"}
    assert linked("Polarin finds copper and sells insurance", linker=linker) == set()


def test_a_later_file_takes_a_name_over():
    first = Entry(id=SubjectId("AA"), names=("Polarin",))
    second = Entry(id=SubjectId("BB"), names=("Polarin",))
    linker = CatalogueLinker(Catalogue().extended([first]).extended([second]))
    assert linked("Polarin rises", linker=linker) == {"BB"}


def test_a_catalogue_is_replaced_while_running():
    linker = linker_of(Entry(id=SubjectId("AA"), names=("Polarin",)))
    before = linked("Polarin rises", linker=linker)
    linker.use(Catalogue().extended([Entry(id=SubjectId("BB"), names=("Polarin",))]))
    assert (before, linked("Polarin rises", linker=linker)) == ({"AA"}, {"BB"})


def test_subjects_come_most_relevant_first():
    subjects = SHIPPED.link(
        document("Microsoft grows. Microsoft hires. Later, Intel.", title="Microsoft")
    )
    assert [one.id for one in subjects] == ["MSFT", "INTC"]
    assert subjects[0].relevance > subjects[1].relevance


def test_the_only_subject_of_a_tweet_is_all_it_is_about():
    (subject,) = SHIPPED.link(document("a quiet day", ["AAPL"]))
    assert subject.relevance == 1.0


@pytest.mark.parametrize("count", [11, 12, 40])
def test_a_list_of_tickers_is_about_none_of_them(count):
    tickers = [f"Q{chr(65 + n // 26)}{chr(65 + n % 26)}Z" for n in range(count)]
    text = " ".join(f"${ticker}" for ticker in tickers)
    for subjects in ((), tickers):
        found = SHIPPED.link(document(text, subjects))
        assert len(found) == count
        assert all(0 < one.relevance < MIN_RELEVANCE for one in found)


def test_a_list_stays_a_list_though_it_repeats_a_ticker():
    text = "$HQMP " * 9 + " ".join(f"$Q{chr(65 + n)}Z" for n in range(12))
    assert all(one.relevance < MIN_RELEVANCE for one in SHIPPED.link(document(text)))


def test_a_long_article_is_about_its_company_whoever_else_it_names():
    others = "Intel. Cisco. Oracle Corp. Adobe. Netflix. Boeing. Pfizer. Amgen. Comcast. Verizon. "
    text = ("Microsoft spoke at length about its plans for the year. " * 40) + others
    best, *rest = SHIPPED.link(document(text, title="Microsoft speaks"))
    assert (best.id, best.relevance) == ("MSFT", 0.98)
    assert rest
    assert all(one.relevance < MIN_RELEVANCE for one in rest)


@given(share=st.floats(0.001, 1), more=st.floats(0.001, 1), count=st.integers(1, 50))
def test_a_greater_share_is_never_less_relevant(share, more, count):
    low, high = sorted((share, more))
    assert relevance(low, count, 0, 200) <= relevance(high, count, 0, 200)
    assert 0 < relevance(low, count, 0, 200) <= 1


@given(
    text=st.text(max_size=300),
    title=st.none() | st.text(max_size=60),
    tickers=st.lists(st.text(max_size=12), max_size=15),
    days=st.integers(-15_000, 25_000),
)
def test_linking_never_fails_and_keeps_every_ticker_given(text, title, tickers, days):
    one = document(text, tickers, title, NOON + timedelta(days=days))
    subjects = SHIPPED.link(one)
    assert subjects == SHIPPED.link(one)
    assert len({subject.id for subject in subjects}) == len(subjects)
    assert all(0 < subject.relevance <= 1 for subject in subjects)
    known = {ticker for subject in subjects for ticker in subject.tickers}
    known |= {subject.id for subject in subjects}
    alone = SHIPPED.link(document(" ", tickers, at=one.published_at))
    assert {subject.id for subject in alone} <= {subject.id for subject in subjects}
    assert known or not any(ticker.strip(" $\t\n").strip() for ticker in tickers)


@pytest.mark.parametrize(
    ("title", "text", "subject", "names"),
    [
        (None, "Apple sues. $AAPL falls, Apple's lawyers say", "AAPL", ("Apple", "$AAPL")),
        ("Microsoft grows", "#Microsoft is up", "MSFT", ("Microsoft",)),
        (None, "AT&amp;T cuts; AT&T (NYSE: T) falls", "T", ("AT&amp;T", "AT&T", "NYSE: T")),
        (None, "ﬁne day for Ｉｎｔｅｌ and Intel", "INTC", ("Ｉｎｔｅｌ", "Intel")),
        (None, "騰訊發布業績，腾讯控股(00700.HK)", "0700.HK", ("騰訊", "腾讯控股", "00700.HK")),
        (None, "Nestle\u0301 warns, Nestlé falls", "NESN.SW", ("Nestle\u0301", "Nestlé")),
        ("Goldman", "Sachs of Goldman\nSachs", "GS", ("Goldman\nSachs",)),
    ],
)
def test_a_subject_has_the_names_it_goes_by_in_this_very_text(title, text, subject, names):
    found = SHIPPED.read(document(text, title=title))
    assert found.mentions[SubjectId(subject)] == names


def test_a_subject_that_only_the_source_gives_goes_by_its_tickers():
    found = SHIPPED.read(document("a quiet day", ["GOOG", "QQQZZ"]))
    assert found.mentions[SubjectId("GOOGL")] == found.subjects[0].tickers
    assert found.mentions[SubjectId("ticker:QQQZZ")] == ("QQQZZ",)


@given(st.text(alphabet="aA$#@(.):HKSs0123 İß平安ﬀ’&;mp\u0301\u200b\n", max_size=60))
def test_a_name_stands_in_the_text_as_it_is_handed_on(text):
    linker = linker_of(
        Entry(id=SubjectId("AA"), names=("平安", "aAa", "ssHK"), tickers=("0123.HK", "A"))
    )
    for title, body in ((None, text), (text[:20], text[20:])):
        one = document(body, title=title)
        found = linker.read(one)
        assert found.subjects == linker.link(one)
        for names in found.mentions.values():
            assert all(name in (title or "") or name in body for name in names)


@given(st.text(alphabet="aA$#@(.):HKSs0123 İß平安ﬀ’", max_size=60))
def test_odd_characters_do_not_move_positions_out_of_the_text(text):
    for start in (text, "Apple " + text, text + "腾讯"):
        SHIPPED.link(document(start))


@pytest.mark.parametrize(
    "unit", ["Citigroup ", "an Apple a day ", "apple-", "(IT) ", "平安", "$C ("]
)
def test_the_longest_text_allowed_is_linked_however_often_it_repeats_a_name(unit):
    # quadratic work would run into the time limit of the suite
    SHIPPED.link(document(unit * (MAX_TEXT // len(unit))))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=25))
def test_the_longest_spans_are_apart_and_hide_only_what_is_no_longer(pairs):
    spans = [(number, start, start + size) for number, (start, size) in enumerate(pairs)]
    kept = longest(spans)
    assert all(one[2] <= other[1] for one, other in pairwise(kept))
    for number, start, end in spans:
        rivals = [one for one in kept if one[1] < end and start < one[2]]
        assert rivals
        assert (number, start, end) in kept or max(e - s for _, s, e in rivals) >= end - start
    free = apart_from(kept, spans)
    assert free == []


def test_a_file_is_linked_line_by_line(tmp_path: Path):
    path = tmp_path / "some.jsonl.gz"
    lines = [
        {"id": "1", "source": "s", "published_at": "2024-06-03T12:00:00Z", "text": "hello"},
        {
            "id": "2",
            "source": "s",
            "published_at": "2024-06-03T12:00:00Z",
            "text": "Intel rises",
            "subjects": ["MSFT"],
        },
    ]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    both = dict(link_file(path, linker=SHIPPED))
    assert both["1"] == ()
    assert {one.id for one in both["2"]} == {"INTC", "MSFT"}
    own = dict(link_file(path, ignore_source=True, linker=SHIPPED))
    assert {one.id for one in own["2"]} == {"INTC"}
    printed = json.loads(as_json("2", own["2"]))
    assert printed["id"] == "2"
    assert printed["subjects"][0]["id"] == "INTC"
    assert printed["subjects"][0]["relevance"] == own["2"][0].relevance


def test_a_line_that_is_no_document_is_named(tmp_path: Path):
    path = tmp_path / "some.jsonl"
    path.write_text('{"source": "s"}\n')
    with pytest.raises(ConfigurationError, match=r"some\.jsonl:1"):
        list(link_file(path, linker=SHIPPED))


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(link_file(tmp_path / "none.jsonl", linker=SHIPPED))


@pytest.mark.parametrize("piece", ["#JPM lower words ", "James Apple said. ", "$AAPL ", "I"])
def test_a_long_text_takes_no_more_time_than_its_length(piece):
    linker = CatalogueLinker(shipped_catalogue())
    text = (piece * (MAX_TEXT // len(piece)))[:MAX_TEXT]
    begun = time.process_time()
    linker.link(Document(source="x", published_at=datetime(2026, 1, 5, tzinfo=UTC), text=text))
    # what is quadratic takes minutes
    assert time.process_time() - begun < 15


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", gzip.compress(b'{"a": 1}\n' * 99)[:-9]])
def test_a_file_that_ends_too_soon_is_refused(tmp_path, content):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cut"):
        list(link_file(path))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("UBS says it will cut 3,000 jobs.", {"UBSG.SW"}),
        ("Goldman Sachs says it will cut 3,200 jobs.", {"GS"}),
        ("Barclays cuts bonuses, says CEO", {"BARC.L"}),
        ("Wells Fargo says it expects to pay $1 billion fine", {"WFC"}),
        ("Deutsche Bank expects big loss on US real estate", {"DBK.DE"}),
        # of others, whether the catalogue knows them or not
        ("Goldman says oil to hit $100", set()),
        ("Goldman Sachs says it expects oil to fall to $60", set()),
        ("UBS says it has turned cautious on European stocks", set()),
        ("JPMorgan says it is time to sell small caps", set()),
        ("Citi says oil settles lower as OPEC talks fail", set()),
        ("Goldman Sachs says the Fed will cut rates as layoffs rise", set()),
        ("Goldman Sachs says sell small caps", set()),
        ("UBS upgrades its top pick, a maker of chips", set()),
        ("Goldman Sachs says Apple will cut 3,000 jobs", {"AAPL"}),
    ],
)
def test_a_bank_that_speaks_of_itself_is_what_the_text_is_about(text, wanted):
    assert linked(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mitsubishi UFJ fined", {"8306.T"}),
        ("Mitsubishi Heavy shares plunge", {"7011.T"}),
        ("Sumitomo Mitsui fined", {"8316.T"}),
        ("T-Mobile hit by data breach", {"TMUS"}),
        ("Deere cuts jobs", {"DE"}),
        ("Valero fined over a leak", {"VLO"}),
        ("Hershey recalls its peanut butter cups", {"HSY"}),
        ("Stryker hit by a recall", {"SYK"}),
    ],
)
def test_companies_go_by_the_names_that_news_gives_them(text, wanted):
    assert linked(text) == wanted


@pytest.mark.timeout(20)
def test_half_a_million_hostile_characters_hold_nobody_up():
    for filler in ("1,", "1, ", "to ", "cut ", "it will "):
        assert linked("UBS says " + filler * (500_000 // len(filler))) <= {"UBSG.SW"}
