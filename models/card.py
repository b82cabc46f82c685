"""The model card of an artifact, written from its own JSON files (Mitchell et al., "Model Cards
for Model Reporting", 2019). Nothing in it is typed by hand, so nothing in it can be out of date.

`evaluation` in `metrics.json` is what `models.evaluation.as_json` gives, by file:
`{"evaluation": {"tweets_sentiment.valid": {"sentiment": {…}}, …}}`; `measured_into` puts it there.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.data import read_examples
from models.evaluation import as_json, evaluate
from models.evaluation_page import write_text
from models.questions import Scorer
from pipeline.errors import ConfigurationError

ABOUT, METRICS, CHECKSUMS, CARD = "artifact.json", "metrics.json", "checksums.txt", "card.md"
EVALUATION = "evaluation"

INTENDED = """\
Reads short English financial news and posts: the topic (one of 20), the sentiment of the text and
the sentiment towards each company it names, with calibrated probabilities. It is made to count
many texts, so that a surge of negative ones is seen; one answer alone is often wrong (see the
figures). It is no investment advice, it knows nothing of what is true, and it was not made for
long documents, other languages, or people instead of companies."""

# What is known of the files that may train what ships; of any other the card says so.
SOURCES = {
    "tweets_sentiment": ("finance tweets", "MIT"),
    "tweets_topic": ("finance tweets", "MIT"),
    "headlines_entity_sentiment": ("Indian business headlines", "MIT"),
    "phrasebank": ("Financial PhraseBank", "CC BY-NC-SA: not for weights that ship"),
}
BASE = """\
The default base encoder, all-MiniLM-L6-v2, is Apache-2.0 and was trained by others on about a
billion sentence pairs of the open web; what these hold of prejudice, it holds."""

FAILURES = """\
- Irony, quotation and what depends on yesterday's news are read by their words.
- The tweets and the Indian headlines it learned from are years old; how far words have moved since
  is a question for `bellwether model drift`.
- Numbers are read as words: whether 3.1 % is more than was expected it cannot tell.
- A company named in passing may get the sentiment of the text.
- Labels of the training sets disagree with each other on what is neutral; the same event can be
  neutral as a tweet and negative as a headline."""


def card_of(folder: Path) -> str:
    """The card of the artifact in `folder`, as Markdown. Raises `ConfigurationError` where its
    JSON cannot be read; a missing `metrics.json` is said in the card."""
    about = _json(folder / ABOUT)
    metrics = _metrics(folder).get(EVALUATION, {})
    try:
        return _written(folder, about, metrics)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{folder}: {ABOUT} or {METRICS} is not an artifact's: {error!r}"
        ) from error


def _written(folder: Path, about: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    parts = [f"# {version_in(folder)}", "## Intended use", INTENDED, "## Data and licences"]
    parts += [_data(about, metrics), BASE]
    parts += ["## Figures", *_figures(metrics), "## Known failures", *_weakest(metrics), FAILURES]
    parts += ["## Training", *_training(about), "## Files", _checksums(folder)]
    return "\n\n".join(parts) + "\n"


def measured_into(folder: Path, scorer: Scorer, files: Sequence[Path]) -> None:
    """Measure `scorer`, the classifier in `folder`, on each labelled file, and keep the figures
    in its `metrics.json` beside what else is there; of two files of one name each with the folder
    before it. Raises `ConfigurationError`."""
    metrics = _metrics(folder)
    metrics[EVALUATION] = {
        name.removesuffix(".jsonl"): as_json(evaluate(scorer, read_examples([path])))
        for name, path in _told_apart(files).items()
    }
    write_text(folder / METRICS, json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")


def _told_apart(files: Sequence[Path]) -> dict[str, Path]:
    """Each file by its name, with as few folders before it as no other file shares."""
    paths = dict.fromkeys(path.absolute() for path in files)
    found: dict[str, Path] = {}
    for path in paths:
        ends = (path.parts[-number:] for number in range(1, len(path.parts) + 1))
        own = next(end for end in ends if sum(one.parts[-len(end) :] == end for one in paths) == 1)
        found[Path(*own).as_posix()] = path
    return found


def _metrics(folder: Path) -> dict[str, Any]:
    return _json(folder / METRICS) if (folder / METRICS).is_file() else {}


def version_in(folder: Path) -> str:
    """`bellwether-` and twelve digits of the hash of `artifact.json`, as classifications carry."""
    try:
        digest = hashlib.sha256((folder / ABOUT).read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{folder}: no artifact: {ABOUT}: {error.strerror}") from error
    return f"bellwether-{digest[:12]}"


def _data(about: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Every file it was trained on or measured on, by name."""
    rows = []
    for use, files in (("trained on", about.get("data", {})), ("measured on", metrics)):
        for file in files:
            kind, licence = SOURCES.get(Path(file).name.partition(".")[0], ("", "not known here"))
            rows.append((file, kind, licence, use))
    return _table(("file", "what it is", "licence", "use"), rows)


def _figures(metrics: Mapping[str, Any]) -> Iterable[str]:
    if not metrics:
        yield "Not measured: `metrics.json` holds no evaluation."
        return
    rows = []
    for file, tasks in metrics.items():
        for task, told in tasks.items():
            low, high = _span(told, "accuracy")
            rows.append(
                (
                    file, task, str(told["n"]), _number(told.get("negative_recall")),
                    f"{told['accuracy']:.3f} ({low} to {high})", _number(told["macro_f1"]),
                    _number(told.get("ece_uncalibrated")), _number(told["ece"]),
                )
            )  # fmt: skip
    heads = ("file", "task", "n", "negative recall", "accuracy", "macro-F1", "ECE raw", "ECE")
    yield _table(heads, rows)
    yield (
        "In brackets 95 % of the bootstrap's draws. ECE: expected calibration error in 15 bins, "
        "before and after scaling."
    )
    for file, tasks in metrics.items():
        for task, told in tasks.items():
            yield f"### {task}, {file}"
            yield _table(
                ("class", "precision", "recall", "F1", "n"),
                [
                    (label, *(_number(one[name]) for name in ("precision", "recall", "f1")),
                     str(one["n"]))
                    for label, one in told["per_class"].items()
                ],
            )  # fmt: skip
            cuts = [
                (f"{field}: {value}", str(one["n"]), _number(one["accuracy"]),
                 _number(one["macro_f1"]))
                for field, values in told.get("slices", {}).items()
                for value, one in values.items()
                if len(values) > 1
            ]  # fmt: skip
            if cuts:
                yield _table(("slice", "n", "accuracy", "macro-F1"), cuts)


def _weakest(metrics: Mapping[str, Any]) -> Iterable[str]:
    """The classes it misses most, of those with enough texts to say so."""
    found = sorted(
        (one["recall"], task, label, file, one["n"])
        for file, tasks in metrics.items()
        for task, told in tasks.items()
        for label, one in told["per_class"].items()
        if one["n"] >= 10
    )
    lines = [
        f"- {task}: of the {n} texts of `{label}` in {file} it finds {recall:.0%}."
        for recall, task, label, file, n in found[:5]
    ]
    if lines:
        yield "\n".join(lines)


def _training(about: Mapping[str, Any]) -> Iterable[str]:
    base = about.get("base", {})
    if base:
        named = ", ".join(f"{name} `{value}`" for name, value in base.items())
        yield f"Base encoder, by reference: {named}."
    for title, given in (
        ("Recipe", about.get("recipe")),
        ("Temperatures", about.get("temperatures")),
        ("Powers", about.get("powers")),
    ):
        if given:
            rows = [(f"`{name}`", f"`{_plain(value)}`") for name, value in given.items()]
            yield _table((title.lower(), "value"), rows)
    if data := about.get("data"):
        yield _table(("training file", "sha256"), [(f"`{n}`", f"`{v}`") for n, v in data.items()])


def _checksums(folder: Path) -> str:
    """Of every file but the card and the list of checksums, which name each other."""
    rows = [
        (f"`{path.name}`", f"{path.stat().st_size:,}", f"`{_digest(path)}`")
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in (CARD, CHECKSUMS)
    ]
    return _table(("file", "bytes", "sha256"), rows)


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: a JSON object is needed")
    return found


def _span(told: Mapping[str, Any], name: str) -> tuple[str, str]:
    span = told.get("intervals", {}).get(name, {})
    return _number(span.get("low")), _number(span.get("high"))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a bar in a topic's name is no border."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
