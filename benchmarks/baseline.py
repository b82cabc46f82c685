"""Measures the lexicon baseline on labelled JSONL: quality, calibration, cost a document.

    BELLWETHER_DATA=DIR python -m benchmarks.baseline

`DIR/labelled` holds `tweets_sentiment.valid.jsonl` and `tweets_topic.valid.jsonl`.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from models.load import load_classifier
from pipeline.ports import ClassifierInput


def main() -> int:
    """Prints one line a class and one a task; 1 where the data is absent."""
    folder = Path(os.environ.get("BELLWETHER_DATA", "../shared/data")) / "labelled"
    if not folder.is_dir():
        print(f"no labelled data in {folder}: set BELLWETHER_DATA", file=sys.stderr)
        return 1
    for task in ("sentiment", "topic"):
        measure(task, folder / f"tweets_{task}.valid.jsonl")
    return 0


def measure(task: str, path: Path) -> None:
    """Prints the figures of one file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    inputs = [ClassifierInput(title="", text=row["text"], lang="en", mentions={}) for row in rows]
    classifier = load_classifier("baseline")
    began = time.process_time()
    answers = classifier.classify(inputs)
    cost = (time.process_time() - began) / len(rows) * 1e6
    said: list[str] = []
    sure: list[float] = []
    for answer in answers:
        sentiment = answer.sentiment
        assert sentiment is not None
        if task == "topic":
            said.append(answer.topic or "")
            sure.append(answer.topic_probability)
        else:
            said.append(sentiment.label)
            sure.append(max(sentiment.negative, sentiment.neutral, sentiment.positive))
    truth = [row[task] for row in rows]
    scores = []
    for label in sorted(set(truth)):
        hits = sum(one == two == label for one, two in zip(truth, said, strict=True))
        precision, recall = hits / max(1, said.count(label)), hits / truth.count(label)
        scores.append(2 * hits / (said.count(label) + truth.count(label)))
        print(
            f"  {label:32} precision {precision:.3f}  recall {recall:.3f}  n {truth.count(label)}"
        )
    right = [one == two for one, two in zip(truth, said, strict=True)]
    print(
        f"{task}: n {len(rows)}  accuracy {sum(right) / len(rows):.3f}  "
        f"macro-F1 {sum(scores) / len(scores):.3f}  ECE {calibration_error(sure, right):.3f}  "
        f"{cost:.1f} µs a document"
    )


def calibration_error(sure: Sequence[float], right: Sequence[bool]) -> float:
    """The mean gap between confidence and accuracy over ten equal bins, by their size."""
    gaps = [0.0] * 10
    for confidence, hit in zip(sure, right, strict=True):
        gaps[min(9, int(confidence * 10))] += hit - confidence
    return sum(map(abs, gaps)) / len(right)


if __name__ == "__main__":
    sys.exit(main())
