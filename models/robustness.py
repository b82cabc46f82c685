"""How often a label moves when a text is changed in a way that should not matter, or should.

Each change is made to every text it applies to, the same way every time (the seed and the text
decide). The name asked about stays as it is, but for its case.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.bootstrap import SEED
from models.data import LABELS, TASKS, Example, lowered
from models.evaluation import rounded
from models.metrics import Integers
from models.naming import spans_of
from models.questions import Query, Questions, Scorer, questions_of
from pipeline.errors import ConfigurationError

_CASHTAG = re.compile(r"\$[A-Za-z]{1,6}(?:\.[A-Za-z])?\b")
_SPACES = re.compile(r"\s{2,}")
_NUMBER = re.compile(r"\d")
_LONG_WORD = re.compile(r"\b[a-zA-Z]{5,}\b")
_NOT = re.compile(r"\b(is|are|was|were|will|can|could|should|would|has|have|had|do|does|did) not\b")
_SHORT_NOT = re.compile(r"\b(is|are|was|were|could|should|would|has|have|had|do|does|did)n['’]t\b")
_CAN = re.compile(r"\b(won['’]t|can['’]t|cannot)\b")
_AUXILIARY = re.compile(r"\b(is|are|was|were|will|can|could|should|would|has|have|had)\b")
# Verbs of headlines, which have no auxiliary to put a "not" behind, with their plain form.
_VERBS = {
    "beats": "beat", "misses": "miss", "rises": "rise", "falls": "fall", "gains": "gain",
    "drops": "drop", "soars": "soar", "plunges": "plunge", "jumps": "jump", "slides": "slide",
    "climbs": "climb", "slips": "slip", "surges": "surge", "sinks": "sink", "tumbles": "tumble",
    "rallies": "rally", "raises": "raise", "cuts": "cut", "warns": "warn", "wins": "win",
    "loses": "lose", "upgrades": "upgrade", "downgrades": "downgrade", "grows": "grow",
    "tops": "top", "supports": "support", "hits": "hit", "reports": "report", "sees": "see",
}  # fmt: skip
_VERB = re.compile(rf"\b({'|'.join(_VERBS)})\b")

Change = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Moved:
    """One change on one task: of `n` questions it applied to, the share whose label moved, and
    accuracy on them before and after. `should_move` says what a sound classifier does."""

    task: str
    change: str
    n: int
    moved: float
    accuracy: float
    accuracy_after: float
    should_move: bool


def robustness(scorer: Scorer, examples: Sequence[Example], seed: int = SEED) -> tuple[Moved, ...]:
    """A row per task and change. Raises `ConfigurationError` where the examples have no label
    of a task the scorer answers."""
    found: list[Moved] = []
    for task in TASKS:
        questions = questions_of(task, examples)
        if len(questions) and task in scorer.tasks():
            before = _called(scorer, task, questions.queries)
            for name in CHANGES:
                found.append(_moved(scorer, questions, before, name, seed))
    if not found:
        raise ConfigurationError("the file has no label of a task that the classifier answers")
    return tuple(found)


def as_json(rows: Sequence[Moved]) -> dict[str, Any]:
    """`{task: {change: {"n", "moved", "accuracy", "accuracy_after", "should_move"}}}`."""
    found: dict[str, Any] = {}
    for row in rows:
        plain = asdict(row)
        found.setdefault(plain.pop("task"), {})[plain.pop("change")] = rounded(plain)
    return found


def changed(name: str, text: str, about: str | None, seed: int = SEED) -> str:
    """The text under the change called so; the same text where it does not apply."""
    other = _changed(name, text, about, seed)
    return other if other == text else other.strip()


def _changed(name: str, text: str, about: str | None, seed: int) -> str:
    draw = random.Random(f"{seed}:{name}:{text}")  # noqa: S311  no secret
    change = CHANGES[name]
    if about is None or name in _WHOLE:
        return change(text, draw)
    told, until, over = "", 0, False
    for start, end in (*spans_of(lowered(text), lowered(about)), (len(text), len(text))):
        between = text[until:start]
        other = between if over else change(between, draw)
        over = over or (name in _ONCE and other != between)
        told += other + text[start:end]
        until = end
    return told


def _moved(scorer: Scorer, questions: Questions, before: Integers, name: str, seed: int) -> Moved:
    queries: list[Query] = []
    places = []
    flips = name == "negation flipped"
    labels = LABELS[questions.task]
    should_move = flips and "neutral" in labels
    for place, (text, about) in enumerate(questions.queries):
        # the opposite of news without feeling has none either
        if should_move and labels[before[place]] == "neutral":
            continue
        other = changed(name, text, about, seed)
        if other != text and other.strip() and before[place] >= 0:
            places.append(place)
            queries.append((other, _name_in(other, about)))
    if not queries:
        return Moved(questions.task, name, 0, 0.0, 0.0, 0.0, should_move)
    after, old = _called(scorer, questions.task, queries), before[places]
    truth = questions.truth[places]
    return Moved(
        task=questions.task,
        change=name,
        n=len(places),
        moved=float((after != old).mean()),
        accuracy=float((old == truth).mean()),
        accuracy_after=float((after == truth).mean()),
        should_move=should_move,
    )


def _called(scorer: Scorer, task: str, queries: Sequence[Query]) -> Integers:
    """The class called for each, -1 where there is no answer."""
    logits = np.asarray(scorer.logits(task, queries), np.float64)
    answered = np.asarray(np.isfinite(logits).all(axis=1))
    called = np.nan_to_num(logits).argmax(axis=1)
    return np.asarray(np.where(answered, called, -1), np.int64)


def _name_in(text: str, about: str | None) -> str | None:
    """The name as the changed text writes it."""
    if about is None:
        return None
    at = lowered(text).find(lowered(about))
    return about if at < 0 else text[at : at + len(about)]


def _typos(text: str, draw: random.Random) -> str:
    """One letter of every fourth long word dropped, doubled or swapped with its neighbour."""

    def mistyped(match: re.Match[str]) -> str:
        word = match[0]
        if draw.random() > 0.25:
            return word
        at, kind = draw.randrange(1, len(word) - 1), draw.randrange(3)
        if kind == 0:
            return word[:at] + word[at + 1 :]
        if kind == 1:
            return word[: at + 1] + word[at:]
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _LONG_WORD.sub(mistyped, text)


def _without_cashtags(text: str, draw: random.Random) -> str:
    # what stands before or after a name keeps its outer spaces
    return _SPACES.sub(" ", _CASHTAG.sub("", text)) if _CASHTAG.search(text) else text


def _other_numbers(text: str, draw: random.Random) -> str:
    """Every digit replaced by another; a leading one stays no zero."""
    return _NUMBER.sub(lambda match: draw.choice([n for n in "123456789" if n != match[0]]), text)


def _negated(text: str, draw: random.Random) -> str:
    """The first "not" taken out; without one, the first auxiliary or headline verb negated."""
    for pattern, instead in (
        (_NOT, r"\1"),
        (_SHORT_NOT, r"\1"),
        (_CAN, lambda match: "will" if match[0].startswith("w") else "can"),
        (_VERB, lambda match: f"does not {_VERBS[match[0]]}"),
        (_AUXILIARY, r"\1 not"),
    ):
        other = pattern.sub(instead, text, count=1)
        if other != text:
            return other
    return text


CHANGES: dict[str, Change] = {
    "typos": _typos,
    "lower case": lambda text, draw: text.lower(),
    "upper case": lambda text, draw: text.upper(),
    "cashtags removed": _without_cashtags,
    "numbers changed": _other_numbers,
    "negation flipped": _negated,
}
"""What is done to the texts. All but the last should leave every label as it is."""

# What is done to the name too, for a text is not half in capitals.
_WHOLE = {"lower case", "upper case"}
# What is done to one place of a text, before the name or else after it.
_ONCE = {"negation flipped"}
