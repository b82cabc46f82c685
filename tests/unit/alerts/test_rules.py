"""Rule files: what they say is what is meant, and every mistake names its line."""

from datetime import timedelta

import pytest

from alerts.rules import Rule, load_rules, parse_rules
from pipeline.documents import SubjectId
from pipeline.errors import ConfigurationError
from pipeline.trends import EVERYTHING, SeriesKey

APPLE = SeriesKey(subject=SubjectId("AAPL"))
GOOD = """\
version: 1
lateness: 30m
rules:
  - id: banks
    match: {subject: ["BARC.L", "HSB*"]}
    detector:
      windows: [10m, 6h]
      open_above: 5
    hold: 2m
    severity: {low: 0, high: 70}
    labels: {desk: credit}
"""


def test_a_rule_file_says_what_it_means():
    book = parse_rules(GOOD)
    (rule,) = book.rules
    assert book.lateness == timedelta(minutes=30)
    assert rule.detector.windows == (timedelta(minutes=10), timedelta(hours=6))
    assert rule.detector.open_above == 5
    assert rule.hold == timedelta(minutes=2)
    assert rule.labels == {"desk": "credit"}
    assert [rule.level(severity) for severity in (0, 69, 70)] == ["low", "low", "high"]


def test_a_rule_watches_only_series_cut_the_way_it_names():
    (rule,) = parse_rules(GOOD).rules
    assert rule.matches(SeriesKey(subject=SubjectId("HSBA.L")))
    assert not rule.matches(APPLE)
    assert not rule.matches(SeriesKey(subject=SubjectId("HSBA.L"), topic="Earnings"))
    assert not rule.matches(EVERYTHING)


def test_the_rules_that_ship_watch_each_kind_of_series_once():
    book = load_rules("")
    for series, rule in (
        (APPLE, "company-negative-surge"),
        (SeriesKey(topic="Earnings"), "topic-negative-surge"),
        (SeriesKey(source="rss:cnbc"), "source-negative-surge"),
        (EVERYTHING, "everything-negative-surge"),
    ):
        assert [one.id for one in book.matching(series)] == [rule]
    assert book.matching(SeriesKey(subject=SubjectId("AAPL"), topic="Earnings")) == ()


def test_the_version_of_a_rule_is_its_content():
    (one,) = parse_rules(GOOD).rules
    (same,) = parse_rules(GOOD + "# a remark\n").rules
    (other,) = parse_rules(GOOD.replace("open_above: 5", "open_above: 6")).rules
    assert one.version == same.version != other.version
    assert Rule(id="a", match={}).version != Rule(id="b", match={}).version


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("open_above: 5", "open_abowe: 5"), 8, "did you mean open_above?"),
        (("open_above: 5", "open_above: many"), 8, "a number from"),
        (("open_above: 5", "open_above: .nan"), 8, "a number from"),
        (("open_above: 5", "open_above: 1"), 8, "close_below 1.5 is not below open_above 1"),
        (("open_above: 5", "open_above: 9"), 8, "urgent_above 8 is below open_above 9"),
        (("[10m, 6h]", "[6h, 10m]"), 7, "windows must grow"),
        (("[10m, 6h]", "[90m]"), 7, "whole hours"),
        (("[10m, 6h]", "[2d]"), 7, "must be from 1m to 1d"),
        (("[10m, 6h]", "[]"), 7, "windows must grow"),
        (("hold: 2m", "hold: 2 minutes"), 9, "a time span such as"),
        (("hold: 2m", "hold: 2m\n    hold: 3m"), 10, "given twice"),
        (("hold: 2m", "hold: 99999999999999d"), 9, "must be from"),
        (("id: banks", "id: !foo banks"), 4, "the tag '!foo' is not known"),
        (("labels: {desk: credit}", "labels: !!set {desk: credit}"), 11, "is not known here"),
        (("lateness: 30m", "lateness: 2h"), 2, "must be from 0s to 1h"),
        (("version: 1", "version: 2"), 1, "only version 1"),
        (("id: banks", "id: banks and more"), 4, "letters, digits and hyphens"),
        (("  - id: banks\n    match", "  - match"), 4, "id is missing"),
        (("{subject:", "{sector:"), 5, "unknown key"),
        (("    detector:\n", "    detektor:\n"), 6, "did you mean detector?"),
        (("labels: {desk: credit}", "labels: {level: mine}"), 11, "what the severity is called"),
        (("match: {", "match: {topic: [], "), 5, "an empty list names nothing"),
        (("match: {", "match: {source: x, tier: [], "), 5, "an empty list names nothing"),
        (("labels: {desk: credit}", "labels: credit"), 11, "a mapping is needed"),
        (("labels: {desk: credit}", "labels: {desk: ~}"), 11, "a text is needed"),
        (("severity: {low: 0", "severity: {low: -1"), 10, "from 0 to 100"),
        (("rules:\n", "rules: [\n"), 4, "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(change, line, words):
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(GOOD.replace(*change), "rules.yaml")
    assert str(caught.value).startswith(f"rules.yaml:{line}: "), str(caught.value)
    assert words in str(caught.value)


def test_a_plain_z_of_the_share_is_refused_as_it_never_opens():
    rule = "  - id: z\n    match: {}\n    signal: negative_share\n    detector: {kind: rolling-z}\n"
    with pytest.raises(ConfigurationError, match=r"14: .*volume alone"):
        parse_rules(GOOD + rule)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match=r"rules.yaml:12: rules\[1\]: a second rule"):
        parse_rules(GOOD + "  - id: banks\n    match: {}\n")


def test_yaml_tags_and_empty_files_are_refused():
    with pytest.raises(ConfigurationError, match="the file is empty"):
        parse_rules("")
    with pytest.raises(ConfigurationError, match=":1: "):
        parse_rules("!!python/object/apply:os.system ['true']")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_rules(str(tmp_path / "none.yaml"))
