"""What the classifier said lately, out of SQLite and PostgreSQL, and drift against it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models.drift import Counting, reference_json
from pipeline.documents import Sentiment
from pipeline.stores.answers import answers_since, versions_since
from pipeline.stores.archive import SqlArchive
from tests.contracts.streams import document
from workers.cli import status_of

NOW = datetime(2026, 1, 6, tzinfo=UTC)


def told(name: str, at: datetime, version: str, **fields: Any):
    made = document(name, title=name)
    return replace(
        made,
        document=replace(made.document, published_at=at),
        classification=replace(made.classification, model_version=version, **fields),
    )


def test_the_answers_of_one_version_since_a_time_oldest_first(engine: Engine) -> None:
    SqlArchive(engine).store(
        [
            told("late", NOW, "m1", topic="Macro", topic_probability=0.5),
            told("early", NOW - timedelta(hours=1), "m1", sentiment=Sentiment(0.7, 0.2, 0.1)),
            told("silent", NOW - timedelta(minutes=1), "m1", sentiment=None, reason="no model"),
            told("old", NOW - timedelta(days=9), "m1"),
            told("other", NOW, "m2"),
        ],
        NOW,
    )
    since = NOW - timedelta(days=1)
    found = list(answers_since(engine, "m1", since))
    assert [one.text.splitlines()[0] for one in found] == ["early", "silent", "late"]
    assert found[0].sentiment == Sentiment(0.7, 0.2, 0.1)
    assert found[1].sentiment is None
    assert (found[2].topic, found[2].topic_probability) == ("Macro", 0.5)
    assert versions_since(engine, since) == {"m1": 3, "m2": 1}


def test_drift_reads_the_history_of_the_model_the_reference_is_of(
    engine: Engine, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    bad = Sentiment(0.9, 0.05, 0.05)
    SqlArchive(engine).store(
        [told(f"text {n}", now, "m1", topic="Macro", sentiment=bad) for n in range(300)], now
    )
    counting = Counting()
    for number in range(300):
        counting.text(f"text {number}")
        counting.answer("topic", "Macro", 0.5)
        counting.answer("sentiment", "neutral", 0.9)
    path = tmp_path / "reference.json"
    monkeypatch.setenv("BELLWETHER_DATABASE", engine.url.render_as_string(hide_password=False))
    arguments = ["model", "drift", "--reference", str(path), "--json"]
    path.write_text(reference_json(counting.over("m1", ["text"])))
    assert status_of(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sentiment labels"]["verdict"] == "shifted"
    assert found["topic labels"]["verdict"] == "stable"
    path.write_text(reference_json(counting.over("m9", ["text"])))
    assert status_of(arguments) == 2
    assert "classified by m9; in SQL: m1 (300)" in capsys.readouterr().err
