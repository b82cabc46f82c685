"""The lexicon baseline: sentiment and topic from words alone, in microseconds.

It counts, for one text, the strength of what speaks against, of what speaks in favour and
of what merely announces or asks. A negator turns the next words round, an intensifier adds
half. The three counts pick one of a few thousand precomputed probability
triples: the same words always give the same numbers. It knows no context: use it as a
floor, as a fallback, and where 15,000 documents a second must pass one process.
`docs/model.md` has its measured quality.
"""

import hashlib
import inspect
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence

from models import chinese, lexicon, lexicon_topics, lexicon_zh, vocabulary
from models.languages import no_model
from models.lexicon_topics import TOPICS
from pipeline.documents import Classification, Sentiment
from pipeline.ports import ClassifierInput

# A body is read as far as a reader's first glance goes.
READ_CHARACTERS = 1_500
# Beyond so many words the counts are scaled down: a longer text is not a stronger one.
USUAL_WORDS = 30
# Strength and plainness beyond which nothing gets surer.
MOST = 16
MOST_PLAIN = 8
# How far a negator and an intensifier reach, in words.
REACH = 3
# "+3.1%" and "-3.1%" with a sign are moves, not levels.
PERCENT_STRENGTH = 6

# Logits against `neutral`: offset, then weights of the square roots of the strength against
# and in favour, and of plainness. The root because a second bad word says less than the
# first. Fitted by maximum likelihood on the training tweets, rounded.
NEGATIVE_LOGIT = (-2.55, 1.3, 0.0, -0.7)
POSITIVE_LOGIT = (-2.1, -0.15, 1.3, -0.8)

# Topic points to probabilities, and the points a topic has before any word was read.
TOPIC_TEMPERATURE = 1.7
MOST_POINTS = 24
PRODUCT_NEWS = TOPICS.index("Company | Product News")
COMMENTARY = TOPICS.index("Stock Commentary")
MOVEMENT = TOPICS.index("Stock Movement")

# marks matter where they end something; `3.5` and `t.co` hold none
_WORD = re.compile(r"https?://\S+|[a-z]+(?:['&][a-z]+)*|[.,;:?!](?=\s|$)|[?!]")
_PERCENT = re.compile(r"(?<![\w.])([+\-\u2212])\d+(?:\.\d+)?\s?%")


class LexiconClassifier:
    """`pipeline.ports.Classifier` for English and Chinese; other texts get the reason."""

    def __init__(self) -> None:
        self._english = vocabulary.english()
        self._chinese = chinese.ChineseWords()
        self._sentiments = _sentiment_table()
        self._weights = [math.exp(points / TOPIC_TEMPERATURE) for points in range(MOST_POINTS + 1)]
        self._version = _version()
        self.unserved: Counter[str] = Counter()

    @property
    def version(self) -> str:
        """`baseline-` and a hash of the word lists and of the code that reads them."""
        return self._version

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order. Never raises for any text."""
        answers = []
        for one in inputs:
            if one.lang == "en":
                answers.append(self._english_answer(one))
            elif one.lang == "zh":
                answers.append(self._chinese_answer(one))
            else:
                self.unserved[one.lang] += 1
                answers.append(no_model(one.lang, self._version))
        return answers

    def _english_answer(self, one: ClassifierInput) -> Classification:
        text = _glance(one)
        lower = text.lower()
        if not text.isascii():
            lower = lower.replace("\u2019", "'")
        if "&amp;" in lower:
            lower = lower.replace("&amp;", "&")
        words = _WORD.findall(lower)
        against, favour, plain, topics = self._counted(words)
        if "%" in text:
            for sign in _PERCENT.findall(text):
                topics[MOVEMENT] = topics.get(MOVEMENT, 0) + 4
                if sign == "+":
                    favour += PERCENT_STRENGTH
                else:
                    against += PERCENT_STRENGTH
        if "$" in text and text.count("$") > 1:
            topics[COMMENTARY] = topics.get(COMMENTARY, 0) + 1
        if len(words) > USUAL_WORDS:
            against = -(-against * USUAL_WORDS // len(words))
            favour = -(-favour * USUAL_WORDS // len(words))
        return self._answer(against, favour, plain, topics)

    def _counted(self, words: list[str]) -> tuple[int, int, int, dict[int, int]]:
        against = favour = plain = 0
        topics: dict[int, int] = {}
        skip = turned = scaled = -1
        halves = 2
        last = len(words) - 1
        found = [(at, entry) for at, entry in enumerate(map(self._english.get, words)) if entry]
        for at, entry in found:
            if at < skip:
                continue
            if entry.phrases and at < last:
                for rest, phrase in entry.phrases.get(words[at + 1], ()):
                    end = at + 2 + len(rest)
                    if words[at + 2 : end] == rest:
                        entry, skip = phrase, end
                        break
            strength = entry.strength
            if strength:
                if at <= scaled:
                    strength = strength * halves // 2
                if at <= turned:
                    # "not good" is bad, "not bad" is hardly good
                    strength = -strength if strength > 0 else -strength // 2
                if strength < 0:
                    against -= strength
                else:
                    favour += strength
            plain += entry.plain
            for topic, points in entry.topics:
                topics[topic] = topics.get(topic, 0) + points
            if entry.turns:
                turned = at + REACH
            elif entry.ends:
                turned = scaled = -1
            if entry.halves != 2:
                scaled, halves = at + REACH, entry.halves
        return against, favour, plain, topics

    def _chinese_answer(self, one: ClassifierInput) -> Classification:
        text = _glance(one)
        against, favour, topics = self._chinese.read(text)
        plain = 2 * (text.count("?") + text.count("？"))
        return self._answer(against, favour, plain, topics)

    def _answer(
        self, against: int, favour: int, plain: int, topics: dict[int, int]
    ) -> Classification:
        topics[PRODUCT_NEWS] = topics.get(PRODUCT_NEWS, 0) + 1
        best = max(topics, key=topics.__getitem__)
        # topics without a word weigh one each, like zero points
        weights = self._weights
        total = len(TOPICS) - len(topics) + 0.0
        for points in topics.values():
            total += weights[points if points < MOST_POINTS else MOST_POINTS]
        points = topics[best]
        probability = weights[points if points < MOST_POINTS else MOST_POINTS] / total
        row = self._sentiments[against if against < MOST else MOST]
        return Classification(
            model_version=self._version,
            topic=TOPICS[best],
            topic_probability=round(probability, 6),
            sentiment=row[favour if favour < MOST else MOST][min(plain, MOST_PLAIN)],
        )


def _glance(one: ClassifierInput) -> str:
    if one.title and one.text:
        return f"{one.title}\n{one.text}"[:READ_CHARACTERS]
    return (one.title or one.text)[:READ_CHARACTERS]


def _sentiment_table() -> list[list[list[Sentiment]]]:
    """The probabilities by strength against, strength in favour and plainness."""
    return [
        [
            [_sentiment(against, favour, plain) for plain in range(MOST_PLAIN + 1)]
            for favour in range(MOST + 1)
        ]
        for against in range(MOST + 1)
    ]


def _sentiment(against: int, favour: int, plain: int) -> Sentiment:
    features = (1.0, math.sqrt(against), math.sqrt(favour), math.sqrt(plain))
    negative = math.exp(_dot(NEGATIVE_LOGIT, features))
    positive = math.exp(_dot(POSITIVE_LOGIT, features))
    total = 1 + negative + positive
    low, high = round(negative / total, 6), round(positive / total, 6)
    return Sentiment(negative=low, neutral=round(1 - low - high, 6), positive=high)


def _dot(weights: tuple[float, ...], features: tuple[float, ...]) -> float:
    return sum(weight * value for weight, value in zip(weights, features, strict=True))


def _version() -> str:
    """Changes with any word and any line that can change an answer."""
    sources = (lexicon, lexicon_topics, lexicon_zh, vocabulary, chinese, sys.modules[__name__])
    digest = hashlib.sha256()
    for module in sources:
        digest.update(inspect.getsource(module).encode())
    return f"baseline-{digest.hexdigest()[:12]}"
