"""From a labelled file and a classifier to figures, tables and pictures."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from models.data import Example
from models.evaluation import TaskReport, as_json, evaluate
from models.evaluation_page import page, write_report
from models.load import StubClassifier, load_classifier
from models.metrics import PLAIN
from models.questions import answers_of, questions_of
from models.scorers import PortScorer, open_scorer
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling

EXAMPLES = [
    Example("a bad day", "t.jsonl:1", sentiment="negative", slices={"agreement": "100"}),
    Example("a good day", "t.jsonl:2", sentiment="positive", slices={"agreement": "100"}),
    Example("a day", "t.jsonl:3", sentiment="neutral", slices={"agreement": "50"}),
    Example("a fine day", "t.jsonl:4", sentiment="positive", slices={"agreement": "50"}),
    Example("awful", "t.jsonl:5", sentiment="negative", topic="Macro", slices={"agreement": "50"}),
    Example("rated", "t.jsonl:6", topic="Analyst Update"),
    Example(
        "bad Acme , good Bolt",
        "u.jsonl:1",
        entities=(("Acme", "negative"), ("Bolt", "positive")),
    ),
    Example("good Acme", "u.jsonl:2", entities=(("Acme", "neutral"),)),
]


def reports(**options: object) -> dict[str, TaskReport]:
    return evaluate(WordScorer(feeling, **options), EXAMPLES, rounds=50)  # type: ignore[arg-type]


def test_each_task_the_file_has_labels_for_gets_its_figures() -> None:
    found = reports()
    assert list(found) == ["sentiment", "topic", "entity_sentiment"]
    assert [(one.n, one.texts) for one in found.values()] == [(5, 5), (2, 2), (3, 2)]
    assert found["sentiment"].accuracy == 0.6
    assert found["sentiment"].negative_recall == 0.5
    assert found["topic"].accuracy == 0.5
    assert found["topic"].negative_recall is None
    assert found["entity_sentiment"].accuracy == pytest.approx(2 / 3)


def test_figures_are_cut_by_what_the_lines_say_and_by_length_and_source() -> None:
    found = {(one.field, one.value): one for one in reports()["sentiment"].slices}
    assert found["agreement", "100"].accuracy == 1.0
    assert found["agreement", "50"].n == 3
    assert found["source", "t.jsonl"].n == 5
    assert found["length", "1-50"].n == 5
    towards = {one.value: one.n for one in reports()["entity_sentiment"].slices}
    assert towards["several, unlike"] == 2
    assert towards["one"] == 1


def test_cuts_by_number_stand_in_their_order() -> None:
    texts = ["x" * size for size in (150, 20, 80, 300)]
    examples = [Example(text, "t:1", sentiment="neutral") for text in texts]
    report = evaluate(WordScorer(feeling), examples, rounds=5)["sentiment"]
    lengths = [one.value for one in report.slices if one.field == "length"]
    assert lengths == ["1-50", "51-100", "101-200", "over 200"]


def test_a_field_that_names_each_text_is_no_cut() -> None:
    examples = [
        Example(f"text {place}", "t.jsonl:1", sentiment="neutral", slices={"id": str(place)})
        for place in range(40)
    ]
    report = evaluate(WordScorer(feeling), examples, rounds=5)["sentiment"]
    assert {one.field for one in report.slices} == {"source", "length"}


def test_scaling_changes_confidence_and_never_the_answer() -> None:
    plain, cooled = reports()["sentiment"], reports(temperature=3.0)["sentiment"]
    assert cooled.accuracy == plain.accuracy
    assert cooled.ece_uncalibrated == plain.ece
    assert cooled.ece != plain.ece
    assert cooled.temperature == 3.0


def test_the_json_is_one_object_by_task_with_the_promised_names() -> None:
    plain = json.loads(json.dumps(as_json(reports())))
    assert set(plain) == {"sentiment", "topic", "entity_sentiment"}
    assert {
        "n", "accuracy", "macro_f1", "ece", "ece_uncalibrated", "per_class", "confusion",
        "intervals", "selective", "slices", "power", "temperature", "unanswered", "model",
    } <= set(plain["sentiment"])  # fmt: skip
    assert list(plain["sentiment"]["per_class"]) == ["negative", "neutral", "positive"]
    assert plain["sentiment"]["per_class"]["negative"]["recall"] == 0.5
    assert plain["sentiment"]["slices"]["agreement"]["50"]["n"] == 3
    assert sum(map(sum, plain["topic"]["confusion"])) == 2


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert reports() == reports()


def test_texts_without_an_answer_are_counted_apart() -> None:
    silent = WordScorer(lambda task, query: None if "day" in query[0] else feeling(task, query))
    report = evaluate(silent, EXAMPLES, rounds=5)["sentiment"]
    assert (report.n, report.unanswered) == (1, 4)


def test_a_classifier_that_answers_nothing_at_all_gives_zeros() -> None:
    report = evaluate(WordScorer(lambda task, query: None), EXAMPLES, rounds=5)["sentiment"]
    assert (report.n, report.unanswered, report.accuracy, report.ece) == (0, 5, 0.0, 0.0)
    assert page({"sentiment": report}, "nothing")


def test_a_file_without_labels_and_a_classifier_without_the_task_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of the 1 lines has a label"):
        evaluate(WordScorer(feeling), [Example("text", "t:1")])
    with pytest.raises(ConfigurationError, match="labels for topic; words answers sentiment"):
        evaluate(WordScorer(feeling, tasks=("sentiment",)), [Example("text", "t:1", topic="Macro")])


def test_pictures_are_well_formed_and_the_page_refers_to_nothing_outside(tmp_path: Path) -> None:
    written = write_report(reports(temperature=2.0), "<b>title", tmp_path / "made")
    names = {path.name for path in written}
    assert {"report.html", "report.json", "topic-confusion.svg"} <= names
    for path in written:
        if path.suffix == ".svg":
            ET.fromstring(path.read_text("utf-8"))
    html = (tmp_path / "made" / "report.html").read_text("utf-8")
    assert "&lt;b&gt;title" in html
    assert "src=" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert set(json.loads((tmp_path / "made" / "report.json").read_text())) == set(reports())


def test_a_report_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_report(reports(), "title", tmp_path / "file")


def test_the_port_is_measured_by_what_it_would_publish() -> None:
    scorer = PortScorer(load_classifier("baseline"))
    examples = [
        Example("Shares plunge on profit warning", "t:1", sentiment="negative", topic="Earnings"),
        Example("股价大跌", "t:2", sentiment="negative"),
        Example("Shares plunge", "t:3", entities=(("Shares", "negative"),)),
    ]
    found = evaluate(scorer, examples, rounds=5)
    assert found["sentiment"].accuracy == 1.0
    assert found["entity_sentiment"].accuracy == 1.0
    answers = answers_of(scorer, questions_of("sentiment", examples))
    assert answers.scale == PLAIN
    direct = load_classifier("baseline")
    assert scorer.version == direct.version


def test_a_topic_called_with_the_share_of_all_others_is_still_the_one_called() -> None:
    examples = [Example("text", "t:1", topic="General News | Opinion")]
    assert evaluate(PortScorer(StubClassifier()), examples, rounds=5)["topic"].accuracy == 1.0


def test_a_text_in_a_language_without_a_model_has_no_answer() -> None:
    answers = answers_of(
        PortScorer(load_classifier("baseline")),
        questions_of("sentiment", [Example("これは日本語です", "t:1", sentiment="neutral")]),
    )
    assert answers.unanswered == 1


def test_a_model_that_is_none_is_refused_as_in_the_pipeline() -> None:
    with pytest.raises(ConfigurationError, match="no/such/thing/"):
        open_scorer("no/such/thing/")


def test_the_recall_of_what_is_not_there_is_no_number() -> None:
    texts = [Example(f"good {n}", "", sentiment="positive") for n in range(30)]
    without = evaluate(WordScorer(feeling), texts)["sentiment"]
    assert without.negative_recall is None
    assert "negative_recall" not in without.intervals
    # two of thirty-two, both found: the draws that hold neither say nothing
    found = evaluate(WordScorer(feeling), [*texts, *[Example("bad", "", sentiment="negative")] * 2])
    assert found["sentiment"].intervals["negative_recall"].low == 1.0
