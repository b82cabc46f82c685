"""The quality table of a classifier, of one artifact or the mean over several seeds.

    BELLWETHER_DATA=DIR python -m benchmarks.model MODEL… [--phrasebank MODEL…] [--deletion]

`DIR/labelled` and `DIR/benchmark_only` hold the validation files. Financial PhraseBank may be
measured and never trained on by what ships: MODEL is asked about it without having seen it;
models that were trained on its train file, only to compare with published figures, are given
with `--phrasebank`. `--deletion` explains 200 validation texts and deletes the words found.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from models.data import Example, read_examples
from models.evaluation import TaskReport, evaluate
from models.faithfulness import deletion_curve
from models.scorers import open_explainer, open_scorer

DELETION_TEXTS = 200
# Row, file, task, slice, and floor and aim of accuracy and macro-F1.
ROWS = (
    ("tweets sentiment", "tweets_sentiment", "sentiment", "", (0.88, 0.84), (0.90, 0.87)),
    ("tweets topic", "tweets_topic", "topic", "", (0.895, 0.885), (0.92, 0.91)),
    ("headlines, per entity", "headlines_entity_sentiment", "entity_sentiment", "", (0.83, 0.83),
     (0.90, 0.90)),
    ("headlines, one entity", "headlines_entity_sentiment", "entity_sentiment", "entities=one",
     None, None),
    ("PhraseBank, zero-shot", "phrasebank", "sentiment", "", (0.77, 0.71), (0.83, 0.80)),
    ("PhraseBank, zero-shot, all agree", "phrasebank", "sentiment", "agreement=100", None, None),
)  # fmt: skip
TRAINED = (
    ("PhraseBank, trained", "phrasebank", "sentiment", "", (0.86, 0.84), (0.885, 0.87)),
    ("PhraseBank, trained, all agree", "phrasebank", "sentiment", "agreement=100", None,
     (0.97, None)),
)  # fmt: skip
CALIBRATION = (0.04, 0.02)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the figure of each model."""

    name: str
    n: int
    accuracy: list[float]
    macro_f1: list[float]
    ece: list[float]
    ece_uncalibrated: list[float]
    negative_recall: list[float]
    floor: Sequence[float | None] | None
    aim: Sequence[float | None] | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, or one JSON object; 1 where the data is absent."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model")
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--phrasebank", nargs="+", default=[], metavar="MODEL")
    parser.add_argument("--base", default=os.environ.get("BELLWETHER_MODEL_BASE", ""))
    parser.add_argument("--deletion", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    data = Path(os.environ.get("BELLWETHER_DATA", "../shared/data"))
    if not (data / "labelled").is_dir():
        print(f"no labelled data in {data}: set BELLWETHER_DATA", file=sys.stderr)
        return 1
    rows = [*table(given.models, given.base, data, ROWS)]
    if given.phrasebank:
        rows += table(given.phrasebank, given.base, data, TRAINED)
    curves = deletion(given.models[0], given.base, data) if given.deletion else {}
    if given.json:
        print(json.dumps({"rows": [as_json(row) for row in rows], "deletion": curves}))
        return 0
    for row in rows:
        print(line_of(row))
    for task, curve in curves.items():
        for step in curve:
            print(f"deletion, {task}: {step}")
    return 0


def table(
    models: Sequence[str],
    base: str,
    data: Path,
    wanted: Sequence[
        tuple[str, str, str, str, Sequence[float | None] | None, Sequence[float | None] | None]
    ],
) -> list[Row]:
    """The rows `wanted`, each with the figures of every model, one file read once a model."""
    reports: dict[tuple[str, str], list[TaskReport]] = {}
    for model in models:
        scorer = open_scorer(model, base)
        for file, task in dict.fromkeys((file, task) for _, file, task, *_ in wanted):
            examples = examples_of(data, file)
            # intervals are for one file; the spread over seeds is what counts here
            report = evaluate(scorer, examples, rounds=1)[task]
            reports.setdefault((file, task), []).append(report)
    return [
        row_of(name, reports[file, task], cut, floor, aim)
        for name, file, task, cut, floor, aim in wanted
    ]


def row_of(
    name: str,
    found: Sequence[TaskReport],
    cut: str,
    floor: Sequence[float | None] | None,
    aim: Sequence[float | None] | None,
) -> Row:
    """The figures of one row; those of a slice have no calibration error."""
    if not cut:
        return Row(
            name, found[0].n, [one.accuracy for one in found], [one.macro_f1 for one in found],
            [one.ece for one in found], [one.ece_uncalibrated for one in found],
            [one.negative_recall for one in found if one.negative_recall is not None],
            floor, aim,
        )  # fmt: skip
    field, value = cut.split("=")
    parts = [
        next(part for part in one.slices if (part.field, part.value) == (field, value))
        for one in found
    ]
    negative = [one.negative_recall for one in parts if one.negative_recall is not None]
    accuracy, f1 = [one.accuracy for one in parts], [one.macro_f1 for one in parts]
    return Row(name, parts[0].n, accuracy, f1, [], [], negative, floor, aim)


def examples_of(data: Path, file: str) -> list[Example]:
    """The validation file of that name, wherever it lies."""
    folder = "benchmark_only" if file == "phrasebank" else "labelled"
    return read_examples([data / folder / f"{file}.valid.jsonl"])


def deletion(model: str, base: str, data: Path) -> dict[str, list[str]]:
    """The deletion curve of sentiment, topic and sentiment towards companies, on 200 texts."""
    explainer = open_explainer(model, base)
    found: dict[str, list[str]] = {}
    for task, file in (
        ("sentiment", "tweets_sentiment"),
        ("topic", "tweets_topic"),
        ("entity_sentiment", "headlines_entity_sentiment"),
    ):
        examples = examples_of(data, file)
        # every nth, for the files are sorted by label
        some = examples[:: max(1, len(examples) // DELETION_TEXTS)][:DELETION_TEXTS]
        explained = [
            one
            for example in some
            for one in explainer.explain(example.text, [name for name, _ in example.entities][:1])
            if one.task == task
        ]
        found[task] = [
            f"{step.share:.0%} deleted: falls by {step.top:.3f}, random {step.random:.3f}, "
            f"further in {step.further:.0%} of {len(explained)}"
            for step in deletion_curve(explainer.scorer, explained)
        ]
    return found


def as_json(row: Row) -> dict[str, object]:
    """The means and the single figures."""
    figures = {
        name: getattr(row, name)
        for name in ("accuracy", "macro_f1", "ece", "ece_uncalibrated", "negative_recall")
    }
    return {
        "row": row.name,
        "n": row.n,
        **{name: round(fmean(values), 4) for name, values in figures.items() if values},
        "models": {name: [round(one, 4) for one in values] for name, values in figures.items()},
    }


def line_of(row: Row) -> str:
    """One line: figure, spread over the models, and whether floor and aim are reached."""
    parts = [f"{row.name:33} n {row.n:5}"]
    for place, (name, values) in enumerate((("accuracy", row.accuracy), ("F1", row.macro_f1))):
        floor, aim = (None if marks is None else marks[place] for marks in (row.floor, row.aim))
        parts.append(f"{name} {spread(values)}{verdict(fmean(values), floor, aim)}")
    if row.negative_recall:
        parts.append(f"negative recall {spread(row.negative_recall)}")
    if row.ece:
        floor, aim = CALIBRATION
        reached = (
            "aim" if fmean(row.ece) <= aim else "floor" if fmean(row.ece) <= floor else "BELOW"
        )
        parts.append(f"ECE {spread(row.ece)} ({reached}), raw {spread(row.ece_uncalibrated)}")
    return "  ".join(parts)


def spread(values: Sequence[float]) -> str:
    """The mean, with the standard deviation where there are several."""
    deviation = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{deviation}"


def verdict(value: float, floor: float | None, aim: float | None) -> str:
    """What is reached, where there is a mark."""
    if aim is not None and value >= aim:
        return " (aim)"
    if floor is not None:
        return " (floor)" if value >= floor else " (BELOW)"
    return "" if aim is None else " (below the aim)"


if __name__ == "__main__":
    sys.exit(main())
