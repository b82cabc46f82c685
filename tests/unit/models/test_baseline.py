"""What the words say: the lexicon baseline on sentences a person would agree about."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.baseline import LexiconClassifier
from models.lexicon_topics import TOPICS
from pipeline.documents import Classification, SubjectId
from pipeline.ports import ClassifierInput

BASELINE = LexiconClassifier()


def said(text: str, lang: str = "en", title: str = "") -> Classification:
    (answer,) = BASELINE.classify(
        [ClassifierInput(title=title, text=text, lang=lang, mentions={SubjectId("A"): ("A",)})]
    )
    return answer


def feeling(text: str, lang: str = "en") -> str:
    sentiment = said(text, lang).sentiment
    assert sentiment is not None
    return sentiment.label


@pytest.mark.parametrize(
    "text",
    [
        "Okta cut to hold at Wedbush on slowing growth",
        "$ACME misses by $0.12, revenue misses too",
        "Shares plunge after regulator opens probe into accounting",
        "Airline files for bankruptcy protection",
        "Company warns of weaker demand and lowers guidance",
        "$XYZ -7.3% after the update",
        "Chipmaker's sell-off deepens",
        "Drug fails in late-stage trial, investors worried",
        "Profit was worse-than-expected",
    ],
)
def test_bad_news_is_negative(text: str) -> None:
    assert feeling(text) == "negative"


@pytest.mark.parametrize(
    "text",
    [
        "Bernstein upgrades the retailer to outperform",
        "$ACME beats by $0.12, beats on revenue",
        "Stock soars to a record high on strong orders",
        "Company raises guidance after better-than-expected quarter",
        "$XYZ +5% premarket",
        "Losses narrow as costs fell",
    ],
)
def test_good_news_is_positive(text: str) -> None:
    assert feeling(text) == "positive"


@pytest.mark.parametrize(
    "text",
    [
        "Edited transcript of the earnings conference call",
        "The company will present at a conference in May",
        "Should you buy this stock?",
        "Central bank discusses rate cuts",
        "",
        "   ",
        "https://example.org/shares-plunge-on-fraud-probe",
        "12345 67 890",
    ],
)
def test_an_announcement_a_question_or_no_words_is_neutral(text: str) -> None:
    assert feeling(text) == "neutral"


def test_a_negator_turns_the_next_words_round() -> None:
    assert feeling("This quarter was good") == "positive"
    assert feeling("This quarter was not good") == "negative"
    assert feeling("This quarter was not bad") == "neutral"


def test_a_negator_does_not_reach_into_the_next_sentence() -> None:
    assert feeling("Support does not answer. Terrible service") == "negative"


def test_an_intensifier_makes_it_surer_and_a_diminisher_less_sure() -> None:
    plain, sharp, slight = (
        said(f"Orders {how}weaker").sentiment for how in ("", "sharply ", "slightly ")
    )
    assert plain is not None
    assert sharp is not None
    assert slight is not None
    assert slight.negative < plain.negative < sharp.negative


def test_the_longest_phrase_wins_over_its_words() -> None:
    # "cut" alone is bad news; a rate cut is not
    assert feeling("rate cut") == "neutral"
    negative = said("Bank cuts price target").sentiment
    assert negative is not None
    assert negative.negative > 0.5


def test_typographic_apostrophes_and_escaped_ampersands_read_like_plain_ones() -> None:
    assert said("This isn’t good") == said("This isn't good")
    assert said("S&amp;P down") == said("S&P down")


def test_the_title_is_read_with_the_text() -> None:
    titled = said("More follows.", title="Shares plunge after fraud allegations")
    assert titled.sentiment is not None
    assert titled.sentiment.label == "negative"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("公司业绩不及预期，股价跌停", "negative"),
        ("公司遭立案调查，投资者担忧", "negative"),
        ("净利润大增，业绩超预期", "positive"),
        ("公司将于下周召开发布会", "neutral"),
        ("并未亏损", "neutral"),
        ("高位站岗的都被套牢了，赶紧跑", "negative"),
        ("又是一根大阴线，关灯吃面", "negative"),
        ("主力出逃，资金净流出三亿元", "negative"),
        ("不敢买，怎么拉都涨不动", "negative"),
        ("三连板，明天继续冲", "positive"),
        ("底部放量，触底反弹要来了", "positive"),
        ("拿住别卖，主升浪才开始", "positive"),
        ("绿地控股与红豆集团召开股东大会", "neutral"),
    ],
)
def test_chinese_is_read_by_its_own_words(text: str, label: str) -> None:
    assert feeling(text, "zh") == label


def test_a_language_without_words_gets_no_sentiment_and_the_reason() -> None:
    classifier = LexiconClassifier()
    answer, read = classifier.classify(
        [
            ClassifierInput(title="", text="La société dépose le bilan", lang="fr", mentions={}),
            ClassifierInput(title="", text="Shares plunge", lang="en", mentions={}),
        ]
    )
    assert (answer.sentiment, answer.topic) == (None, None)
    assert answer.reason == "no model for 'fr'"
    assert read.sentiment is not None
    assert classifier.unserved == {"fr": 1}


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Piper Sandler downgrades the stock, cuts price target", "Analyst Update"),
        ("Federal Reserve raises interest rates by 50 basis points", "Fed | Central Banks"),
        ("The company unveils and launches a new platform", "Company | Product News"),
        ("Treasury yields rise as the bond market sells off", "Treasuries | Corporate Debt"),
        ("Board declares quarterly dividend of $0.20 per share", "Dividend"),
        ("Q2 earnings call transcript", "Earnings"),
        ("Crude oil settles above $90 a barrel before OPEC", "Energy | Oil"),
        ("GAAP EPS of $1.20 beats by $0.10, revenue of $2B", "Financials"),
        ("Euro falls to parity with the dollar", "Currencies"),
        ("Opinion: how the heat wave changes people", "General News | Opinion"),
        ("Gold and copper prices slip", "Gold | Metals | Materials"),
        ("The chip designer files for an IPO", "IPO"),
        ("Class action lawsuit filed against the firm", "Legal | Regulation"),
        ("Company completes acquisition of a majority stake", "M&A | Investments"),
        ("GDP and retail sales point to a recession", "Macro"),
        ("Dow Jones and Nasdaq close higher on Wall Street", "Markets"),
        ("Prime minister faces election as parliament votes", "Politics"),
        ("Bank appoints new chief financial officer", "Personnel Change"),
        ("Breakout above resistance, nice chart setup, volume strong", "Stock Commentary"),
        ("Shares jump premarket after the report", "Stock Movement"),
    ],
)
def test_each_topic_is_recognised_by_its_words(text: str, topic: str) -> None:
    assert said(text).topic == topic


def test_the_tests_above_cover_all_twenty_topics() -> None:
    assert len(TOPICS) == len(set(TOPICS)) == 20


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
def test_any_text_gets_probabilities_that_sum_to_one(text: str, lang: str) -> None:
    answer = said(text, lang)
    assert answer.sentiment is not None
    three = (answer.sentiment.negative, answer.sentiment.neutral, answer.sentiment.positive)
    assert all(0 <= value <= 1 for value in three)
    assert abs(sum(three) - 1) < 1e-5
    assert answer.topic in TOPICS
    assert 0 < answer.topic_probability <= 1


@given(st.lists(st.text(max_size=60), max_size=8))
def test_neighbours_change_nothing(texts: list[str]) -> None:
    inputs = [ClassifierInput(title="", text=one, lang="en", mentions={}) for one in texts]
    assert BASELINE.classify(inputs) == [said(one) for one in texts]


def test_more_bad_words_never_make_a_text_less_negative() -> None:
    chances = []
    for count in range(1, 6):
        sentiment = said(" ".join(["weak"] * count)).sentiment
        assert sentiment is not None
        chances.append(sentiment.negative)
    assert chances == sorted(chances)


def test_a_huge_text_costs_no_more_than_its_first_page() -> None:
    page = "Shares plunge. " * 100
    assert said(page + "good " * 90_000) == said(page)


def test_the_version_names_the_content_and_is_the_same_in_every_process() -> None:
    assert BASELINE.version.startswith("baseline-")
    assert said("x").model_version == BASELINE.version
    code = "from models.baseline import LexiconClassifier as L; print(L().version)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == BASELINE.version


def test_the_baseline_never_imports_torch() -> None:
    code = (
        "import sys, models.load as l; l.load_classifier('baseline'); "
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
