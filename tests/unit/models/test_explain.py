"""Why a text was called what it was: words, occlusion, integrated gradients, deletion."""

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import LABELS
from models.explain import Occlusion, Word, as_json, drivers
from models.explanation_page import drivers_page, shades, text_page
from models.faithfulness import deletion_curve
from models.gradients import NetworkExplainer
from models.load import load_classifier
from models.metrics import PLAIN, softmax
from models.scorers import PortScorer, open_explainer
from models.words import gathered, without, word_spans
from tests.unit.models.scorer import WordScorer, feeling
from tests.unit.models.tiny import PAD, TinyScorer, pieces, tiny_network

TEXT = "Bolt misses estimates while Acme, up 4.5%, soars"


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


def test_words_are_what_people_would_call_words() -> None:
    assert words("$TSLA isn't up +4.5% (Q3): U.S. sales fell 3,000m! AT&T's 大跌？") == [
        "$TSLA", "isn't", "up", "+4.5%", "(", "Q3", ")", ":", "U.S.", "sales", "fell", "3,000m",
        "!", "AT&T's", "大", "跌", "？",
    ]  # fmt: skip


@given(st.text())
def test_every_character_that_is_no_space_is_in_one_word(text: str) -> None:
    spans = word_spans(text)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    rest = without(text, spans)
    assert not any(letter.isalnum() for letter in rest)


def test_pieces_are_gathered_on_their_words() -> None:
    # Un|expected|ly good, and one piece that reaches over both words
    spans = [(0, 12), (13, 17)]
    assert gathered([(0, 2), (2, 10), (10, 12), (13, 17)], [1, 2, 3, 4], spans) == [6, 4]
    assert gathered([(0, 0), (8, 15), (17, 17)], [9, 6, 9], spans) == pytest.approx([4, 2])
    assert gathered([], [], spans) == [0, 0]


@given(st.lists(st.floats(-5, 5), min_size=30, max_size=30), st.text(max_size=30))
def test_gathering_loses_nothing_that_belongs_to_a_word(values: list[float], text: str) -> None:
    characters = [(place, place + 1) for place in range(len(text))]
    spans = word_spans(text)
    inside = [v for v, (a, _) in zip(values, characters, strict=False) if _within(a, spans)]
    total = sum(gathered(characters, values[: len(text)], spans))
    assert total == pytest.approx(sum(inside), abs=1e-6)


def _within(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def test_a_deleted_word_leaves_no_gap() -> None:
    assert without("a bad day", [(2, 5)]) == "a day"
    assert without("bad day", [(0, 3), (4, 7)]) == ""


def test_leaving_words_out_finds_the_one_that_decides() -> None:
    (sentiment, topic, towards) = Occlusion(WordScorer(feeling)).explain(
        "a bad day for good Acme", ["Acme"]
    )
    assert (sentiment.label, topic.label) == ("negative", LABELS["topic"][0])
    assert [word.text for word in sentiment.strongest(1)] == ["bad"]
    # without it the text is called positive: from 3 logits ahead to 3 behind
    (bad,) = [word for word in sentiment.words if word.text == "bad"]
    certain, lost = softmax(np.array([[3.0, 0, 0], [0, 0, 3.0]]))[:, 0]
    fall = math.log(certain / (1 - certain)) - math.log(lost / (1 - lost))
    assert bad.attribution == pytest.approx(fall)
    assert bad.attention is None
    assert sentiment.missed is None
    assert (towards.label, towards.about) == ("positive", "Acme")
    assert [word.text for word in towards.strongest(1)] == ["good"]


def test_a_text_without_an_answer_has_no_explanation() -> None:
    assert Occlusion(WordScorer(lambda task, query: None)).explain("text") == []
    assert NetworkExplainer(tiny_network(), pieces, PAD, TinyScorer(tiny_network())).explain(
        "  "
    ) == []  # fmt: skip


def test_the_baseline_is_explained_by_its_own_words() -> None:
    (sentiment, _) = Occlusion(PortScorer(load_classifier("baseline"))).explain(
        "Acme shares plunge after the meeting"
    )
    assert sentiment.label == "negative"
    assert [word.text for word in sentiment.strongest(1)] == ["plunge"]


def test_what_the_network_finds_important_matters_when_it_is_deleted() -> None:
    network = tiny_network()
    scorer = TinyScorer(network)
    explainer = NetworkExplainer(network, pieces, PAD, scorer)
    vocabulary = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu".split()
    draw = np.random.default_rng(2)
    found = [
        one
        for _ in range(12)
        for one in explainer.explain(" ".join(draw.choice(vocabulary, 10)))
        if one.task == "topic"
    ]
    for step in deletion_curve(scorer, found)[:3]:
        assert step.top > step.random
        assert step.further > 0.5


def test_the_curve_deletes_neither_the_name_asked_about_nor_a_lonely_word() -> None:
    scorer = WordScorer(feeling)
    explainer = Occlusion(scorer)
    (towards,) = explainer.explain("it was good Acme today", ["Acme"])[2:]
    first = deletion_curve(scorer, [towards])[0]
    assert first.top == pytest.approx(towards.probability - 1 / (2 + math.exp(3)), abs=1e-6)
    assert deletion_curve(scorer, explainer.explain("bad")[:1]) == ()


def test_no_mention_of_the_name_asked_about_is_deleted() -> None:
    scorer = WordScorer(
        lambda _, query: "negative" if query[0].count("Tesla") > 1 else "neutral",
        tasks=("entity_sentiment",),
    )
    (towards,) = Occlusion(scorer).explain("Tesla fell and then Tesla rose", ["Tesla"])
    falls = [fall for one in deletion_curve(scorer, [towards]) for fall in (one.top, one.random)]
    assert falls == pytest.approx([0.0] * len(falls))


def test_what_was_not_read_for_the_explanation_is_not_deleted_either() -> None:
    """Words beyond the window are worth nothing, and the served answer reads them."""
    scorer = WordScorer(
        lambda _, query: "negative" if "bad" in query[0] else "positive", tasks=("sentiment",)
    )
    (known,) = Occlusion(scorer).explain("good news and more of it")
    words = [replace(known.words[0], attribution=1.0), *known.words[1:5]]
    words += [replace(known.words[5], attribution=0.5)]
    words += [Word("bad", start, start + 3, 0.0, 0.0) for start in (25, 29, 33)]
    far = replace(known, text=f"{known.text} bad bad bad", words=tuple(words))
    far = replace(far, method="integrated gradients")
    falls = [fall for one in deletion_curve(scorer, [far]) for fall in (one.top, one.random)]
    assert falls == pytest.approx([0.0] * len(falls))


def test_words_that_are_worth_nothing_were_read_all_the_same() -> None:
    """Left out one by one, most words of most texts change nothing; any of them may be drawn."""
    scorer = WordScorer(feeling, tasks=("sentiment",))
    texts = [f"a bad day for everybody here in town number {n} and beyond" for n in range(40)]
    known = [one for text in texts for one in Occlusion(scorer).explain(text)]
    (step, *_) = deletion_curve(scorer, known)
    assert step.top > 0.5
    assert step.random < 0.2


def test_the_words_that_drive_a_class_come_with_how_often_they_did() -> None:
    explainer = Occlusion(WordScorer(feeling))
    texts = ["a bad day", "bad news !", "so bad", "a good day", "good !", "good", "a day"]
    found = drivers([one for text in texts for one in explainer.explain(text)])
    assert list(found["sentiment"]) == ["negative", "neutral", "positive"]
    (bad,) = found["sentiment"]["negative"]
    assert (bad.word, bad.texts) == ("bad", 3)
    assert [one.word for one in found["sentiment"]["positive"]] == ["good"]


class Seen(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_the_text_as_it_is_and_escapes_it() -> None:
    text = "a bad <script> day & more"
    found = Occlusion(WordScorer(feeling)).explain(text)
    html = text_page("v", found)
    assert text in Seen(html).text
    assert "<script>" not in html
    assert max(map(abs, shades(found[0]))) == 1.0
    assert "<script>" not in drivers_page("<script>", 3, drivers(found, least_texts=1))


def test_the_json_holds_every_word_with_its_place() -> None:
    network = tiny_network()
    explainer = NetworkExplainer(network, pieces, PAD, TinyScorer(network))
    plain = json.loads(json.dumps(as_json("v", TEXT, explainer.explain(TEXT, ["Acme"]))))
    assert set(plain["tasks"]) == {"sentiment", "topic", "entity_sentiment"}
    told = plain["tasks"]["entity_sentiment"]["Acme"]
    assert told["method"] == "integrated gradients"
    for word in told["words"]:
        assert plain["text"][word["start"] : word["end"]] == word["word"]
        assert word["attention"] is not None


def test_each_text_is_explained_by_the_model_that_reads_it() -> None:
    explainer = open_explainer("baseline")
    for text, label in (
        ("Profit warning, shares plunge", "negative"),
        ("股价暴跌，亏损扩大", "negative"),
    ):
        (sentiment, *_) = explainer.explain(text)
        assert (sentiment.task, sentiment.label) == ("sentiment", label)
        logits = explainer.scorer.logits("sentiment", [(text, None)])
        assert softmax(logits, PLAIN)[0].max() == pytest.approx(sentiment.probability)
    french = "Le bénéfice du groupe recule fortement et l'action chute lourdement à Paris"
    assert explainer.explain(french) == []
    assert np.isnan(explainer.scorer.logits("sentiment", [(french, None)])).all()
