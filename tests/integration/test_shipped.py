"""The artifact of the package, as it is served."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest

from models.artifact import Artifact, load
from models.classifier import AttentionClassifier
from models.load import SHIPPED
from models.metrics import softmax
from models.recipe import SHIPPED as SHIPS
from models.recipe import read_recipe, same_told
from models.runtimes import chosen
from pipeline.documents import SubjectId
from pipeline.ports import ClassifierInput
from workers.sample import sample_documents

# a text of the sample in so many, so that all of its two days are there
EVERY = 8
TASKS = ("sentiment", "topic")


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def served(artifact: Artifact) -> Iterator[AttentionClassifier]:
    classifier = AttentionClassifier(artifact, chosen(artifact, "onnx-int8", threads=2))
    yield classifier
    classifier.close()


def test_eight_bits_call_what_full_precision_calls(
    artifact: Artifact, served: AttentionClassifier
) -> None:
    documents = sample_documents(ends_at=datetime(2026, 1, 3, tzinfo=UTC))
    texts = sorted({one.get("title") or one["text"] for one in documents})[::EVERY]
    queries = [(text, None) for text in texts]
    full = AttentionClassifier(artifact, chosen(artifact, "onnx-fp32", threads=2))
    try:
        for task in TASKS:
            quick = served.logits(task, queries).argmax(axis=1)
            exact = full.logits(task, queries)
            differ = np.flatnonzero(quick != exact.argmax(axis=1))
            assert len(texts) > 400
            # on news that was not made from templates 0.997 agree (benchmarks/RESULTS.md)
            assert len(differ) <= 0.015 * len(texts), task
            chances = np.sort(softmax(exact[differ], full.scale(task)), axis=1)
            assert (chances[:, -1] - chances[:, -2] < 0.25).all(), "only near ties may turn"
    finally:
        full.close()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Shares of Northfield plunge 18% after the company cuts its profit forecast", "negative"),
        ("Northfield shares soar as quarterly profit beats estimates", "positive"),
        ("Northfield to present at the Zurich industrials conference on Tuesday", "neutral"),
    ],
)
def test_plain_cases_are_called_plainly(served: AttentionClassifier, text: str, label: str) -> None:
    (answer,) = served.classify([ClassifierInput(title="", text=text, lang="en", mentions={})])
    assert answer.sentiment is not None
    assert answer.sentiment.label == label


def test_one_headline_is_good_for_one_company_and_bad_for_the_other(
    served: AttentionClassifier,
) -> None:
    good, bad = SubjectId("KESTREL"), SubjectId("HALDEN")
    text = "Kestrel shares rise 4% on strong orders; Halden slumps 9% after profit warning"
    mentions = {good: ("Kestrel",), bad: ("Halden",)}
    (answer,) = served.classify(
        [ClassifierInput(title="", text=text, lang="en", mentions=mentions)]
    )
    assert answer.subject_sentiments[good].label == "positive"
    assert answer.subject_sentiments[bad].label == "negative"


def test_the_recipe_of_the_package_is_the_one_that_made_the_artifact(artifact: Artifact) -> None:
    assert same_told(artifact.about.recipe, asdict(read_recipe(SHIPS)))
