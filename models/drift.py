"""Whether the texts of today still are what the classifier was made for.

An artifact carries, as `reference.json`, how its answers, its confidence and the words were
distributed when it was made (`Distribution`). Later texts are counted the same way and held
against it by the population stability index

    PSI = Σ (now - then) · ln(now / then)     over the cells of a distribution, as shares

with half a text added to every cell. 0.1 and 0.25 are the customary marks (Siddiqi, "Credit
Risk Scorecards", 2006). Few texts differ by chance alone: then PSI is about (1/n + 1/m) times a
chi-square of as many degrees as there are cells but one (Yurdakul, 2018), and what that reaches
once in a thousand times is said beside it and never called a move.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from models.calibration import BINS, bin_of
from models.data import LABELS, readable
from models.metrics import softmax
from models.questions import Scorer
from pipeline.errors import ConfigurationError

REFERENCE = "reference.json"
TASKS = ("sentiment", "topic")
# The words told apart; all others are one cell. More cells need more texts to say anything.
WORDS = 400
OTHER = "(other)"
NO_ANSWER = "(no answer)"
MOVED, SHIFTED = 0.1, 0.25
# The normal quantile that chance passes once in a thousand times.
_RARE = 3.0902
_HALF = 0.5
_BATCH = 2_048
_LETTER = r"[^\W\d_\u3400-\u9fff]"
_WORD = re.compile(rf"https?|[$]\w+|@\w+|\d[\d.,]*|[\u3400-\u9fff]|{_LETTER}+(?:['’]{_LETTER}+)*")

Verdict = Literal["stable", "moved", "shifted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Counts over a set of texts: per task how often each label was called and how many
    confidences fell in each of the 15 bins, and in how many texts each word stands."""

    model: str
    texts: int
    labels: Mapping[str, Mapping[str, int]]
    confidence: Mapping[str, tuple[int, ...]]
    words: Mapping[str, int]
    v: int = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one distribution went. `by_chance` is what equal texts would pass once in a
    thousand times; `most` the cells that moved most, with their shares then and now."""

    what: str
    psi: float
    by_chance: float
    verdict: Verdict
    most: tuple[tuple[str, float, float], ...]


@dataclass(slots=True)
class Counting:
    """Counts texts and answers one by one, for a `Distribution` in the end."""

    labels: dict[str, Counter[str]] = field(
        default_factory=lambda: {task: Counter() for task in TASKS}
    )
    bins: dict[str, Counter[int]] = field(
        default_factory=lambda: {task: Counter() for task in TASKS}
    )
    words: Counter[str] = field(default_factory=Counter)
    texts: int = 0

    def answer(self, task: str, label: str, confidence: float) -> None:
        """Count one answer."""
        self.labels[task][label] += 1
        self.bins[task][int(bin_of(np.array([confidence]))[0])] += 1

    def text(self, text: str) -> None:
        """Count the words of one text, each once."""
        self.texts += 1
        self.words.update(words_of(text))

    def over(self, model: str, words: Iterable[str]) -> Distribution:
        """What was counted, with `words` told apart and all others together."""
        told = {word: self.words.get(word, 0) for word in words}
        return Distribution(
            model=model,
            texts=self.texts,
            labels={
                task: {label: self.labels[task][label] for label in LABELS[task]} for task in TASKS
            },
            confidence={
                task: tuple(self.bins[task][place] for place in range(BINS)) for task in TASKS
            },
            words={**told, OTHER: self.words.total() - sum(told.values())},
        )


def reference_of(
    scorer: Scorer, texts: Iterable[str], vocabulary: Iterable[str] = ()
) -> Distribution:
    """The reference an artifact carries: the answers to `texts`, and the words of those and of
    `vocabulary`.

    `texts` should be held out: on what it was trained on a classifier is surer than it will
    be on anything that follows. The training texts belong in `vocabulary`.
    """
    counted = _counted(scorer, texts)
    for text in vocabulary:
        counted.words.update(words_of(text))
    common = [word for word, _ in counted.words.most_common(WORDS)]
    return counted.over(scorer.version, common)


def observed(scorer: Scorer, texts: Iterable[str], reference: Distribution) -> Distribution:
    """The same counts over later texts, of the words the reference tells apart."""
    return _counted(scorer, texts).over(scorer.version, told_apart(reference))


def told_apart(reference: Distribution) -> list[str]:
    """The words with a cell of their own."""
    return [word for word in reference.words if word != OTHER]


def words_of(text: str) -> set[str]:
    """The words of a text, lower case; a number is `0`, a ticker `$`, a name of a person `@`."""
    found = _WORD.findall(readable(text).lower())
    return {"0" if word[0].isdigit() else word[0] if word[0] in "$@" else word for word in found}


def drift(reference: Distribution, now: Distribution) -> tuple[Shift, ...]:
    """What moved: predictions and confidence of each task, and the vocabulary."""
    found = []
    for task in TASKS:
        called = (reference.labels[task], now.labels[task])
        if any(called[0].values()):
            called = (_answers(reference, task), _answers(now, task))
        found.append(_shift(f"{task} labels", *called))
        bins = [f"{place / BINS:.2f}-{(place + 1) / BINS:.2f}" for place in range(BINS)]
        then = dict(zip(bins, reference.confidence[task], strict=True))
        later = dict(zip(bins, now.confidence[task], strict=True))
        found.append(_shift(f"{task} confidence", then, later))
    found.append(_shift("vocabulary", reference.words, now.words))
    return tuple(found)


def as_json(shifts: Sequence[Shift]) -> dict[str, Any]:
    """`{what: {"psi", "by_chance", "verdict", "most"}}`."""
    return {
        one.what: {
            "psi": round(one.psi, 6),
            "by_chance": round(one.by_chance, 6),
            "verdict": one.verdict,
            "most": [
                {"cell": name, "then": round(then, 6), "now": round(now, 6)}
                for name, then, now in one.most
            ],
        }
        for one in shifts
    }


def reference_json(reference: Distribution) -> str:
    """The reference as the text of its file, a line a member, so that a change can be read."""
    return json.dumps(asdict(reference), ensure_ascii=False, indent=1) + "\n"


def read_reference(path: Path) -> Distribution:
    """The reference in `path`. Raises `ConfigurationError` where that is none."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Distribution)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path}: no reference distribution: {error}") from error
    whole = all(
        len(found.confidence.get(task, ())) == BINS
        and set(found.labels.get(task, ())) == set(LABELS[task])
        for task in TASKS
    )
    if found.v != 1 or not whole:
        raise ConfigurationError(f"{path}: a reference distribution of another version")
    return found


def _counted(scorer: Scorer, texts: Iterable[str]) -> Counting:
    counting, left = Counting(), iter(texts)
    while batch := list(islice(left, _BATCH)):
        for text in batch:
            counting.text(text)
        for task in TASKS:
            if task in scorer.tasks():
                _count_answers(counting, scorer, task, batch)
    return counting


def _count_answers(counting: Counting, scorer: Scorer, task: str, texts: Sequence[str]) -> None:
    logits = np.asarray(scorer.logits(task, [(text, None) for text in texts]), np.float64)
    answered = logits[np.isfinite(logits).all(axis=1)]
    for row in softmax(answered, scorer.scale(task)):
        counting.answer(task, LABELS[task][int(row.argmax())], float(row.max()))


def _answers(one: Distribution, task: str) -> dict[str, int]:
    """The texts by what they were called, and those that got no answer."""
    called = one.labels[task]
    return {**called, NO_ANSWER: one.texts - sum(called.values())}


def _shift(what: str, then: Mapping[str, int], now: Mapping[str, int]) -> Shift:
    before, after = sum(then.values()), sum(now.values())
    # a cell that is empty on both sides is no cell: a topic never called, a bin never reached
    cells = [name for name in then if then[name] or now.get(name, 0)]
    if not before or not after or len(cells) < 2:
        return Shift(what, 0.0, 0.0, "stable", ())
    parts, shares = {}, {}
    for name in cells:
        old = (then[name] + _HALF) / (before + _HALF * len(cells))
        new = (now.get(name, 0) + _HALF) / (after + _HALF * len(cells))
        parts[name], shares[name] = (new - old) * math.log(new / old), (old, new)
    psi = sum(parts.values())
    by_chance = (1 / before + 1 / after) * _chi_square(len(cells) - 1)
    verdict: Verdict = "stable"
    if psi > max(MOVED, by_chance):
        verdict = "shifted" if psi > max(SHIFTED, by_chance) else "moved"
    most = sorted(parts, key=lambda name: -parts[name])[:5]
    return Shift(what, psi, by_chance, verdict, tuple((name, *shares[name]) for name in most))


def _chi_square(degrees: int) -> float:
    """What a chi-square of so many degrees passes once in a thousand times, within 3 % (Wilson
    and Hilferty, 1931)."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + _RARE * math.sqrt(spread)) ** 3
