"""How good a classifier is on a labelled file: the figures, their uncertainty, their cuts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.bootstrap import ROUNDS, SEED, Interval, centred_interval, draws, interval
from models.calibration import Bin, Selection, calibration_error, reliability, selective
from models.data import LABELS, TASKS, Example
from models.metrics import (
    ClassScore,
    Floats,
    accuracy,
    class_scores,
    confusion,
    confusion_of_cells,
    macro_f1,
    recall,
)
from models.questions import Answers, Scorer, answers_of, questions_of
from pipeline.errors import ConfigurationError

# The class whose recall stands first: a missed one is an alert that never fires.
WATCHED = "negative"
# A field with more values than this names texts, not kinds of text.
MOST_VALUES = 25
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Slice:
    """The texts whose `field` is `value`; `negative_recall` is None outside sentiment."""

    field: str
    value: str
    n: int
    accuracy: float
    macro_f1: float
    negative_recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """Everything measured about one task. `ece` is after scaling,
    `ece_uncalibrated` before; `intervals` hold 95 % of the bootstrap's draws."""

    task: str
    model: str
    labels: tuple[str, ...]
    n: int
    texts: int
    unanswered: int
    accuracy: float
    macro_f1: float
    negative_recall: float | None
    ece: float
    ece_uncalibrated: float
    temperature: float
    power: float
    log_loss: float
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    intervals: dict[str, Interval]
    selective: tuple[Selection, ...]
    reliability: tuple[Bin, ...]
    reliability_uncalibrated: tuple[Bin, ...]
    slices: tuple[Slice, ...]


def evaluate(
    scorer: Scorer, examples: Sequence[Example], rounds: int = ROUNDS, seed: int = SEED
) -> dict[str, TaskReport]:
    """A report for each task the examples have labels for and the scorer answers, in the
    order of `TASKS`. Raises `ConfigurationError` where that is none."""
    asked = {task: questions_of(task, examples) for task in TASKS}
    labelled = [task for task in TASKS if len(asked[task])]
    if not labelled:
        raise ConfigurationError(
            f"none of the {len(examples):,} lines has a label: `sentiment`, `topic` or `entities`"
        )
    able = [task for task in labelled if task in scorer.tasks()]
    if not able:
        raise ConfigurationError(
            f"the file has labels for {', '.join(labelled)}; {scorer.version} answers "
            f"{', '.join(scorer.tasks())}"
        )
    return {task: report_on(answers_of(scorer, asked[task]), rounds, seed) for task in able}


def report_on(answers: Answers, rounds: int = ROUNDS, seed: int = SEED) -> TaskReport:
    """The figures of one task."""
    questions = answers.questions
    labels = LABELS[questions.task]
    truth, said, right = questions.truth, answers.said, answers.right
    sure, raw_sure = answers.scaled.max(axis=1, initial=0), answers.raw.max(axis=1, initial=0)
    matrix = confusion(truth, said, len(labels))
    chosen = answers.scaled[np.arange(len(truth)), truth]
    return TaskReport(
        task=questions.task,
        model=answers.version,
        labels=labels,
        n=len(truth),
        texts=len(np.unique(questions.groups)),
        unanswered=answers.unanswered,
        accuracy=accuracy(matrix),
        macro_f1=macro_f1(matrix),
        negative_recall=_negative_recall(matrix, labels),
        ece=calibration_error(sure, right),
        ece_uncalibrated=calibration_error(raw_sure, right),
        temperature=answers.scale.temperature,
        power=answers.scale.power,
        log_loss=float(-np.log(np.maximum(chosen, 1e-12)).mean()) if len(truth) else 0.0,
        per_class=class_scores(matrix, labels),
        confusion=tuple(tuple(round(count) for count in row) for row in matrix.tolist()),
        intervals=_intervals(answers, labels, rounds, seed),
        selective=selective(sure, right),
        reliability=reliability(sure, right),
        reliability_uncalibrated=reliability(raw_sure, right),
        slices=_slices(answers, labels),
    )


def as_json(reports: dict[str, TaskReport]) -> dict[str, Any]:
    """`{task: {"n", "accuracy", …}}` with `per_class` by label, numbers to six places."""
    return {task: _json_of(report) for task, report in reports.items()}


def _json_of(report: TaskReport) -> dict[str, Any]:
    plain = asdict(report)
    del plain["task"]
    plain["per_class"] = {score.pop("label"): score for score in plain["per_class"]}
    by_field: dict[str, dict[str, Any]] = {}
    for one in plain["slices"]:
        by_field.setdefault(one.pop("field"), {})[one.pop("value")] = one
    plain["slices"] = by_field
    return {name: rounded(value) for name, value in plain.items()}


def rounded(value: Any) -> Any:
    """`value` with every float in it to six places, for a file people read and diff."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value


def _negative_recall(matrix: Floats, labels: Sequence[str]) -> float | None:
    """None where no text is negative: a share of none."""
    if WATCHED not in labels or not matrix[labels.index(WATCHED)].sum():
        return None
    return recall(matrix, labels.index(WATCHED))


def _intervals(
    answers: Answers, labels: Sequence[str], rounds: int, seed: int
) -> dict[str, Interval]:
    truth, right = answers.questions.truth, answers.right
    cells = truth * len(labels) + answers.said
    sure = answers.scaled.max(axis=1, initial=0)
    found: dict[str, list[float]] = {"accuracy": [], "macro_f1": [], "ece": []}
    if WATCHED in labels:
        found["negative_recall"] = []
    for weights in draws(answers.questions.groups, rounds, seed):
        matrix = confusion_of_cells(cells, len(labels), weights)
        found["accuracy"].append(accuracy(matrix))
        found["macro_f1"].append(macro_f1(matrix))
        found["ece"].append(calibration_error(sure, right, weights))
        if (negative := _negative_recall(matrix, labels)) is not None:
            found["negative_recall"].append(negative)
    if not found.get("negative_recall", [0.0]):
        # no draw has a negative text
        del found["negative_recall"]
    spans = {name: interval(values) for name, values in found.items() if name != "ece"}
    return {**spans, "ece": centred_interval(found["ece"], calibration_error(sure, right))}


def _in_order(value: str) -> tuple[float, str]:
    """Numbers and ranges by size, then words by letter."""
    number = value.partition("-")[0]
    return (float(number) if number.isdecimal() else float("inf"), value)


def _slices(answers: Answers, labels: Sequence[str]) -> tuple[Slice, ...]:
    cuts: dict[str, dict[str, list[int]]] = {}
    for place, fields in enumerate(answers.questions.slices):
        for field, value in fields.items():
            cuts.setdefault(field, {}).setdefault(value, []).append(place)
    found = []
    for field, values in cuts.items():
        if len(values) > MOST_VALUES:
            continue
        for value, places in sorted(values.items(), key=lambda one: _in_order(one[0])):
            matrix = confusion(answers.questions.truth[places], answers.said[places], len(labels))
            found.append(
                Slice(
                    field,
                    value,
                    len(places),
                    accuracy(matrix),
                    macro_f1(matrix),
                    _negative_recall(matrix, labels),
                )
            )
    return tuple(found)
