"""`rules backtest` over files: what it prints and writes, bad lines, and the cache."""

import gzip
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.languages import ByLanguage
from pipeline.documents import Classification, Sentiment, SubjectId
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput
from pipeline.wire import encode_json
from tests.unit.workers.test_cli import bellwether
from workers.classification_cache import FILE, CachedClassifier, cache_key
from workers.sample import sample_documents

ENDS_AT = datetime(2026, 3, 4, 16, 27, 41, tzinfo=UTC)


class Counting:
    """A classifier that counts what it was asked, as neutral as the texts are long."""

    def __init__(self, version: str = "one") -> None:
        self.version = version
        self.read: list[str] = []

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        self.read.extend(one.text for one in inputs)
        return [
            Classification(
                model_version=self.version,
                topic="Earnings",
                topic_probability=1 / 3,
                sentiment=Sentiment(1 / len(one.text), 0.1, 0.9 - 1 / len(one.text)),
                subject_sentiments={SubjectId("AAPL"): Sentiment(0.5, 0.25, 0.25)},
            )
            for one in inputs
        ]


def text(words: str, **names: tuple[str, ...]) -> ClassifierInput:
    mentions = {SubjectId(name): given for name, given in names.items()}
    return ClassifierInput(title="", text=words, lang="en", mentions=mentions)


def test_a_text_is_classified_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    first = Counting()
    with CachedClassifier(first, tmp_path) as cached:
        answers = cached.classify([text("one two"), text("three"), text("one two")])
    assert first.read == ["one two", "three"]
    second = Counting()
    with CachedClassifier(second, tmp_path) as cached:
        assert cached.classify([text("one two"), text("three"), text("one two")]) == answers
        assert (cached.asked, cached.answered) == (0, 3)
    assert second.read == []


def test_another_model_another_text_or_other_names_are_asked_for_again(tmp_path: Path) -> None:
    with CachedClassifier(Counting("one"), tmp_path) as cached:
        cached.classify([text("a text", AAPL=("apple",))])
    newer = Counting("two")
    with CachedClassifier(newer, tmp_path) as cached:
        (answer,) = cached.classify([text("a text", AAPL=("apple",))])
    assert answer.model_version == "two"
    keys = {
        cache_key("one", text("a text", AAPL=("apple",))),
        cache_key("one", text("a text", AAPL=("apple inc",))),
        cache_key("one", text("a text", MSFT=("apple",))),
        cache_key("one", text("a  text", AAPL=("apple",))),
    }
    assert len(keys) == 4


def test_what_an_interrupted_run_had_written_is_there_for_the_next(tmp_path: Path) -> None:
    class Interrupted(Counting):
        def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
            if inputs[0].text == "stop":
                raise KeyboardInterrupt
            return super().classify(inputs)

    with pytest.raises(KeyboardInterrupt), CachedClassifier(Interrupted(), tmp_path) as cached:
        cached.classify([text("written")])
        cached.classify([text("stop")])
    again = Counting()
    with CachedClassifier(again, tmp_path) as cached:
        cached.classify([text("written"), text("stop")])
    assert again.read == ["stop"]


def test_a_damaged_cache_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database at all" * 100)
    with CachedClassifier(Counting(), tmp_path) as cached:
        cached.classify([text("a text")])
    with sqlite3.connect(tmp_path / FILE) as file:
        assert file.execute("SELECT count(*) FROM classifications").fetchone() == (1,)
    file.close()
    assert (tmp_path / "classifications.damaged").exists()


def test_a_cache_damaged_behind_its_first_page_is_begun_anew_too(tmp_path: Path) -> None:
    texts = [text(f"text {number}" + "x" * 200) for number in range(800)]
    with CachedClassifier(Counting(), tmp_path) as cached:
        cached.classify(texts)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:4096] + b"\xa5" * 400_000)
    again = Counting()
    with CachedClassifier(again, tmp_path) as cached:
        assert len(cached.classify(texts)) == len(texts)
    assert len(again.read) == len(texts)
    assert path.with_suffix(".damaged").exists()
    kept = Counting()
    with CachedClassifier(kept, tmp_path) as cached:
        cached.classify(texts)
    assert not kept.read


def test_which_model_reads_a_language_is_part_of_the_question(tmp_path: Path) -> None:
    chinese = replace(text("a text"), lang="zh")
    with CachedClassifier(ByLanguage({"en": Counting("one")}), tmp_path) as cached:
        (answer,) = cached.classify([chinese])
        assert answer.reason == "no model for 'zh'"
    both = ByLanguage({"en": Counting("one"), "zh": Counting("one")})
    with CachedClassifier(both, tmp_path) as cached:
        (answer,) = cached.classify([chinese])
        assert (answer.model_version, answer.reason) == ("one", None)
    swapped = ByLanguage({"en": Counting("two"), "zh": Counting("one")})
    other = ByLanguage({"en": Counting("one"), "zh": Counting("two")})
    with CachedClassifier(swapped, tmp_path) as cached:
        assert cached.classify([text("a text")])[0].model_version == "two"
    with CachedClassifier(other, tmp_path) as cached:
        assert cached.classify([text("a text")])[0].model_version == "one"


def test_a_cache_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="BELLWETHER_CACHE"):
        CachedClassifier(Counting(), tmp_path / "file")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.jsonl.gz"
    lines = [encode_json(one) for one in sample_documents(ends_at=ENDS_AT)]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return path


def test_a_file_gives_alerts_as_text_as_records_and_as_a_page(sample: Path, tmp_path: Path) -> None:
    records, page = tmp_path / "alerts.jsonl", tmp_path / "page.html"
    done = bellwether(
        *("rules", "backtest", "--documents", str(sample)),
        *("--json", str(records), "--html", str(page)),
        BELLWETHER_CACHE=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    alerts = [json.loads(line) for line in records.read_text().splitlines()]
    assert alerts
    assert len({(one["fingerprint"], one["opened_at"]) for one in alerts}) == len(alerts)
    assert [one["opened_at"] for one in alerts] == sorted(one["opened_at"] for one in alerts)
    company = next(one for one in alerts if one["series"]["subject"])
    assert company["series"]["tickers"]
    assert company["evidence"][0]["title"]
    fired = sum(one["firing_at"] is not None for one in alerts)
    assert f"{fired} alert" in done.stdout
    assert "expected" in done.stdout
    html = page.read_text()
    assert html.count("<svg") == len({json.dumps(one["series"]) for one in alerts})
    # nothing is fetched from elsewhere: evidence links are text
    assert "<script" not in html and "src=" not in html and "<link" not in html


def test_records_can_be_printed_instead(sample: Path, tmp_path: Path) -> None:
    done = bellwether(
        *("rules", "backtest", "--documents", str(sample), "--json", "-"),
        BELLWETHER_CACHE=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert all(json.loads(line)["v"] == 1 for line in done.stdout.splitlines())


def test_lines_that_are_no_document_are_named_and_the_others_count(tmp_path: Path) -> None:
    good = {"source": "s", "title": "t", "published_at": (ENDS_AT - timedelta(1)).isoformat()}
    path = tmp_path / "documents.jsonl"
    path.write_bytes(b"\n".join([encode_json(good), b'{"title": "no source"}', b"", b"\xff{"]))
    done = bellwether(
        "rules", "backtest", "--documents", str(path), BELLWETHER_CACHE=str(tmp_path / "cache")
    )
    assert done.returncode == 1
    assert f"{path}:2: " in done.stderr
    assert f"{path}:4: " in done.stderr
    assert "1 document, " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "--documents FILE, or --from"),
        (("--documents", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
        (("--from", "yesterday"), "--from yesterday"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--to must be later"),
        (("--from", "2026-01-02"), "BELLWETHER_DATABASE"),
    ],
)
def test_what_cannot_work_is_one_line(arguments: tuple[str, ...], what: str) -> None:
    done = bellwether("rules", "backtest", *arguments)
    assert done.returncode == 2
    assert what in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_day_that_is_still_to_come_is_a_wrong_line_and_deafens_nothing(
    tmp_path: Path,
) -> None:
    lines = [encode_json(one) for one in sample_documents(ends_at=ENDS_AT)]
    wrong = json.loads(lines[100]) | {"id": "wrong", "published_at": "2099-01-01T00:00:00Z"}
    wrong.pop("fetched_at", None)
    file = tmp_path / "documents.jsonl"

    def alerts(given: Sequence[bytes], status: int) -> list[str]:
        # as some editors begin a file
        file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(given))
        done = bellwether("rules", "backtest", "--documents", str(file), "--json", "-")
        assert done.returncode == status, done.stderr
        assert (
            status == 0
            or "documents.jsonl:101: published_at: 2099-01-01 is in the future" in done.stderr
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [f"{one['rule']} {one['opened_at']} {one['severity']}" for one in found]

    right = alerts(lines, 0)
    assert right
    assert alerts([*lines[:100], encode_json(wrong), *lines[100:]], 1) == right
