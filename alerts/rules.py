"""Rules: which series are watched, how surprising is too surprising, and what follows.

A rule file is YAML, read strictly; `default_rules.yaml` beside this file ships. A rule's
version is a hash of its content: an alert names the very rule that opened it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import msgspec

from alerts.conditions import Condition, read_condition
from alerts.configuration import Section, Setting, read_yaml
from alerts.surprise import PRIOR_SHARE
from alerts.verdict import SHARE, VOLUME
from pipeline.errors import ConfigurationError
from pipeline.trends import SeriesKey, TrendPoint

PARTS = ("subject", "topic", "source", "lang")
DAY, ZERO = timedelta(days=1), timedelta()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DEFAULT_FILE = "default_rules.yaml"
KINDS = ("negative-binomial", "rolling-z")
"""What `detector: {kind: …}` may say; the classes are in `alerts/kinds.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """When a count is too surprising. Surprise is -log10 of a chance, corrected for the
    number of windows tried."""

    kind: str = "negative-binomial"
    """The class of `alerts/kinds.py` that says how surprising a count is."""
    windows: tuple[timedelta, ...] = (10 * MINUTE, HOUR, 12 * HOUR, DAY)
    """Event time looked at: minutes up to an hour, or whole hours up to a day."""
    open_above: float = 2.0
    """Surprise an alert needs, however many false alarms are allowed."""
    close_below: float = 1.5
    """Surprise below which it is calm again."""
    urgent_above: float = 8.0
    """Surprise that fires at once, without waiting for the minute to end or for `hold`; never
    less than what opens."""
    share_above: float = 0.3
    """Surprise of the share a surge needs, up to 2 with many documents: loud alone is not bad."""
    minimum: int = 3
    """Novel negative documents a window must hold."""
    minimum_under_hour: int = 5
    """The same for windows shorter than an hour."""
    independent: bool = True
    """Whether so many different voices and stories are needed too."""
    per_voice: int = 1
    """Documents of one voice that count in a window, on average; 0: any number."""
    learning: timedelta = 12 * HOUR
    """History needed before a window is tested: what lies before the window itself."""
    young_penalty: float = 2.0
    """Added to `open_above` at first, falling to nothing over the first seven days."""
    prior_per_hour: float = 0.02
    """Negative documents an hour to expect of a series nothing is known about."""
    prior_weight: float = 0.5
    """Documents the prior is worth; a small number is a wide guess."""
    prior_share: float = PRIOR_SHARE
    """Negative share to expect at first, worth twenty documents."""
    dispersion: float = 0.5
    """Over-dispersion of hourly counts to expect until enough hours are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `match` gives patterns for each part of a series; a part without patterns
    must be absent from the series."""

    id: str
    match: Mapping[str, tuple[str, ...]]
    signal: str = "negative"
    """What may open an alert: `negative_volume`, `negative_share`, or `negative`, the larger."""
    detector: Detector = field(default_factory=Detector)
    hold: timedelta = MINUTE
    resolve_after: timedelta = 30 * MINUTE
    severity: Mapping[str, int] = field(default_factory=lambda: {"low": 0})
    labels: Mapping[str, str] = field(default_factory=dict)
    condition: Condition | None = None
    """What opens an alert instead of a surprise; `detector` is then made to fit it."""
    tiers: tuple[int, ...] = ()
    """Tiers of the sources watched, 1 to 3; empty: any. For series of a source."""
    version: str = ""

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", content_hash(self))

    def matches(self, series: SeriesKey) -> bool:
        """Whether the rule watches this series."""
        for part in PARTS:
            value = getattr(series, part)
            patterns = self.match.get(part, ())
            if value is None:
                if patterns:
                    return False
            elif not any(fnmatchcase(value, pattern) for pattern in patterns):
                return False
        return True

    def accepts(self, point: TrendPoint) -> bool:
        """Whether a point of a series the rule watches is for it: its source has the tier."""
        return not self.tiers or point.sweep or point.tier in self.tiers

    def level(self, severity: int) -> str:
        """The name of a severity: the highest entry of the map it reaches."""
        reached = [name for name, least in self.severity.items() if severity >= least]
        return max(reached, key=lambda name: self.severity[name]) if reached else ""


@dataclass(frozen=True)
class RuleBook:
    """All rules of one file, how late a document may come and still count, and how many
    false alarms a day the whole fleet of series may be expected to give."""

    rules: tuple[Rule, ...]
    lateness: timedelta = HOUR
    false_alarms_per_day: float = 0.3

    def matching(self, series: SeriesKey) -> tuple[Rule, ...]:
        """The rules that watch `series`, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.matches(series))

    @cached_property
    def lateness_minutes(self) -> int:
        return int(self.lateness / MINUTE)


def content_hash(rule: Rule) -> str:
    """Twelve hex digits that change with anything the rule says."""
    content = [getattr(rule, item.name) for item in fields(rule) if item.name != "version"]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:12]


def load_rules(path: str) -> RuleBook:
    """The rules in the file at `path`, or those that ship where it is empty.

    Raises `ConfigurationError` with `file:line: what` for anything that is not as documented.
    """
    if not path:
        return parse_rules((files("alerts") / DEFAULT_FILE).read_text("utf-8"), DEFAULT_FILE)
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from error
    return parse_rules(text, path)


def parse_rules(text: str, file: str = "rules.yaml") -> RuleBook:
    """The rules in `text`; `file` is the name errors show."""
    names = ("version", "lateness", "false_alarms_per_day", "rules")
    root = read_yaml(text, file).mapping(names, ("version", "rules"))
    if root["version"].whole(1, 10**6) != 1:
        root["version"].wrong("only version 1 is known")
    book = RuleBook(())
    if (given := root.get("lateness")) is not None:
        book = replace(book, lateness=given.duration(ZERO, HOUR))
    if (given := root.get("false_alarms_per_day")) is not None:
        book = replace(book, false_alarms_per_day=given.number(1e-6, 1e6))
    rules: list[Rule] = []
    for item in root["rules"].sequence():
        rule = _rule(item)
        if any(rule.id == other.id for other in rules):
            item.wrong(f"a second rule named {rule.id}")
        rules.append(rule)
    if not rules:
        root["rules"].wrong("at least one rule is needed")
    return replace(book, rules=tuple(rules))


def _rule(item: Setting) -> Rule:
    names = "id match signal detector condition hold resolve_after severity labels"
    section = item.mapping(tuple(names.split()), ("id", "match"))
    name = section["id"].text()
    if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 60:
        section["id"].wrong(f"{name!r}: letters, digits and hyphens only, at most 60")
    match = section["match"].mapping((*PARTS, "tier"))
    rule = Rule(
        id=name,
        match={part: value.texts() for part, value in match.values.items() if part != "tier"},
        detector=_detector(section.get("detector")),
    )
    if (given := match.get("tier")) is not None:
        if "source" not in match.values:
            given.wrong('belongs to a source: source: "*" is needed beside it')
        rule = replace(rule, tiers=given.wholes(1, 3))
    if (given := section.get("condition")) is not None:
        for other in ("detector", "signal"):
            if (value := section.get(other)) is not None:
                value.wrong("a rule has a detector or a condition, not both")
        condition = read_condition(given)
        rule = replace(
            rule,
            condition=condition,
            signal=condition.signal,
            detector=detector_of(condition),
        )
    if (given := section.get("signal")) is not None:
        rule = replace(rule, signal=given.one_of(("negative", VOLUME, SHARE)))
        if (rule.signal, rule.detector.kind) == (SHARE, "rolling-z"):
            given.wrong("rolling-z looks at volume alone: it would never open")
    if (given := section.get("hold")) is not None:
        rule = replace(rule, hold=given.duration(ZERO, DAY))
    if (given := section.get("resolve_after")) is not None:
        rule = replace(rule, resolve_after=given.duration(MINUTE, DAY))
    if (given := section.get("severity")) is not None:
        rule = replace(rule, severity={key: value.whole(0, 100) for key, value in given.items()})
    if (given := section.get("labels")) is not None:
        labels = dict(given.items())
        if (level := labels.get("level")) is not None:
            level.wrong("is what the severity is called: name it in severity, or choose another")
        rule = replace(rule, labels={key: value.text() for key, value in labels.items()})
    return replace(rule, version="")


def detector_of(condition: Condition) -> Detector:
    """The levels of a condition as a detector has them: never urgent, one window."""
    return Detector(
        windows=(condition.window,),
        open_above=condition.above,
        close_below=condition.close_below,
        urgent_above=1e9,
        minimum=condition.minimum,
        minimum_under_hour=condition.minimum,
        independent=condition.independent,
        learning=ZERO,
        young_penalty=0.0,
    )


_NUMBERS = {
    "open_above": (0.5, 300.0),
    "close_below": (0.1, 300.0),
    "urgent_above": (0.5, 1000.0),
    "share_above": (0.0, 300.0),
    "young_penalty": (0.0, 50.0),
    "prior_per_hour": (1e-6, 1e6),
    "prior_weight": (0.01, 1e4),
    "prior_share": (0.001, 0.999),
    "dispersion": (0.0, 100.0),
}
_COUNTS = {"minimum": (1, 10**6), "minimum_under_hour": (1, 10**6), "per_voice": (0, 10**6)}


def _detector(item: Setting | None) -> Detector:
    if item is None:
        return Detector()
    section = item.mapping(tuple(entry.name for entry in fields(Detector)))
    given: dict[str, object] = {}
    for name, (least, most) in _NUMBERS.items():
        if (value := section.get(name)) is not None:
            given[name] = value.number(least, most)
    for name, (fewest, largest) in _COUNTS.items():
        if (value := section.get(name)) is not None:
            given[name] = value.whole(fewest, largest)
    if (value := section.get("kind")) is not None:
        given["kind"] = value.one_of(KINDS)
    if (value := section.get("independent")) is not None:
        given["independent"] = value.truth()
    if (value := section.get("learning")) is not None:
        given["learning"] = value.duration(ZERO, 30 * DAY)
    if (value := section.get("windows")) is not None:
        given["windows"] = _windows(value)
    detector = msgspec.convert(given, Detector)
    _consistent(item, section, detector)
    return detector


def _windows(setting: Setting) -> tuple[timedelta, ...]:
    windows = []
    for entry in setting.sequence():
        window = entry.duration(MINUTE, DAY)
        if window % (MINUTE if window <= HOUR else HOUR):
            entry.wrong("whole minutes up to an hour, or whole hours, are needed")
        windows.append(window)
    if not windows or sorted(set(windows)) != windows:
        setting.wrong("windows must grow, each given once")
    return tuple(windows)


def _consistent(item: Setting, section: Section, detector: Detector) -> None:
    given = section.get("open_above") or item
    if detector.close_below >= detector.open_above:
        (section.get("close_below") or given).wrong(
            f"close_below {detector.close_below:g} is not below open_above {detector.open_above:g}"
        )
    if detector.urgent_above < detector.open_above:
        (section.get("urgent_above") or given).wrong(
            f"urgent_above {detector.urgent_above:g} is below open_above {detector.open_above:g}"
        )
