"""Watch as a stage: the same alerts however the stream is cut, repeated or interrupted."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import zip_longest

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.beginning import Beginning
from alerts.evidence import EXPLAINED
from alerts.fleet import Fleet
from alerts.lifecycle import ALERTS, Alert, AlertEvidence
from alerts.memory import MemoryAlertStore
from alerts.minutes import minute_number, minute_start
from alerts.ports import Conflict, FoundDocument, Wanted
from alerts.rebuild import rebuild_states
from alerts.returns import Returns
from alerts.rules import load_rules, parse_rules
from alerts.series import Series
from alerts.state_names import BEGINNING, fleet_name, state_name
from alerts.tracking import Change
from alerts.watch import Watch
from pipeline.documents import DocumentId, Sentiment, SubjectId, minute_of
from pipeline.errors import Rejected, Unavailable
from pipeline.ports import CountedDocument, Shown
from pipeline.stores.memory import MemorySeriesStates, MemoryTrendStore
from pipeline.trends import Bucket, Contribution, SeriesKey
from pipeline.wire import Record
from tests.unit.alerts.test_conditions import rules
from tests.unit.alerts.timeline import (
    COMPANY,
    DAY,
    START,
    Timeline,
    Watched,
    at,
    sweep,
    worse_but_not_louder,
)

HIT = 2 * DAY + 300
# An example is a stream of days: a failing one is shown as found, not shrunk for minutes.
QUICK = settings(
    max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


def surge(background_seed: int = 1, per_day: float = 40, documents: int = 30) -> Timeline:
    timeline = Timeline()
    timeline.background(random.Random(background_seed), 3, per_day)
    for number in range(documents):
        timeline.say(HIT + number * 1.3)
    return timeline


def timeline_start(timeline: Timeline) -> datetime:
    return at(timeline.in_order()[0].minute)


def counted(timeline: Timeline) -> list[CountedDocument]:
    """The documents as `aggregate` counts them: what a rebuild finds in the buckets."""
    return [
        CountedDocument(
            document=DocumentId(str(number)),
            at=at(said.minute),
            contributions=(Contribution(series=said.series, bucket=said.bucket(number)),),
        )
        for number, said in enumerate(timeline.in_order())
    ]


def batches(timeline: Timeline, size: int) -> list[list[Record]]:
    return list(timeline.points(timeline.in_order(), iter([size] * 10_000)))


@given(
    st.integers(0, 1_000_000),
    st.lists(st.integers(1, 200), min_size=1, max_size=30),
    st.sampled_from([5.0, 40.0, 300.0]),
)
@QUICK
def test_alerts_do_not_depend_on_where_batches_end(seed, sizes, per_day):
    timeline = surge(seed, per_day)
    one_by_one = Watched().play(timeline, 1, until=3.2 * DAY)
    in_batches = Watched().play(timeline, *sizes, until=3.2 * DAY)
    assert one_by_one.summary()
    assert in_batches.summary() == one_by_one.summary()


@given(st.data())
@QUICK
def test_batches_delivered_again_change_nothing(data):
    timeline = surge()
    straight, again = Watched(), Watched()
    for batch in batches(timeline, 25):
        straight.give(batch)
        again.give(batch)
        if data.draw(st.integers(0, 5)) == 0:
            if data.draw(st.booleans()):
                again.restart()
            again.give(batch)
    assert straight.summary()
    assert again.alerts.rows == straight.alerts.rows
    assert again.states.load([state_name(COMPANY)]) == straight.states.load([state_name(COMPANY)])


class Breaking(MemorySeriesStates):
    """States that cannot be saved at the given attempts: the crash between the two saves."""

    def __init__(self, *at_saves: int) -> None:
        super().__init__()
        self.saves = 0
        self.at_saves = at_saves

    def save(self, states: Mapping[str, bytes]) -> None:
        self.saves += 1
        if self.saves in self.at_saves:
            raise Unavailable("redis is away")
        super().save(states)


@pytest.mark.parametrize("size", [1, 10, 40])
def test_a_crash_after_saving_alerts_and_before_saving_states_loses_and_doubles_nothing(size):
    timeline = surge()
    straight = Watched()
    for batch in batches(timeline, size):
        straight.give(batch)
    breaking = Watched(states=Breaking(*range(5, 2_000, 3)))
    sent: list[Alert] = []
    for batch in batches(timeline, size):
        for _ in range(3):
            try:
                sent.extend(breaking.give(batch))
                break
            except Unavailable:
                breaking.restart()
        else:
            pytest.fail("the batch never got through")
    assert breaking.summary() == straight.summary() != []
    states = {(alert.opened_at, alert.state) for alert in straight.sent if alert.firing_at}
    assert states <= {(alert.opened_at, alert.state) for alert in sent}


@given(st.lists(st.floats(1, 400), min_size=1, max_size=20), st.integers(1, 3))
@QUICK
def test_an_alert_resolves_at_the_same_event_time_whoever_says_that_time_passed(pauses, documents):
    timeline = Timeline()
    timeline.background(random.Random(3), 2, 40)
    for number in range(30):
        timeline.say(HIT + number)
    end = HIT + 29
    long_after = Watched().play(timeline)
    long_after.give([sweep(end + 3 * DAY)])
    often = Watched().play(timeline)
    minute = end
    for pause in pauses:
        minute += pause
        often.give([sweep(minute)] * documents)
    often.give([sweep(end + 3 * DAY)])
    assert often.summary() == long_after.summary()
    assert [alert.state for alert in often.fired()] == ["resolved"]


def test_every_state_of_an_alert_is_sent_even_if_one_point_brings_them_all():
    timeline = surge()
    watched = Watched()
    for batch in batches(timeline, 10_000):
        watched.give(batch)
    watched.give([sweep(5 * DAY)])
    states = [alert.state for alert in watched.sent if alert.firing_at is not None]
    assert states[0] == "firing"
    assert states[-1] == "resolved"


def test_revisions_of_an_episode_grow_with_every_record():
    watched = Watched().play(surge(), 7, until=4 * DAY)
    last: dict[object, int] = {}
    for alert in watched.alerts.events:
        name = (alert.fingerprint, alert.opened_at)
        assert alert.revision > last.get(name, 0)
        last[name] = alert.revision


def test_an_alert_never_goes_back_from_resolved():
    watched = Watched().play(surge(), 3, until=4 * DAY)
    states: dict[object, str] = {}
    order = {"pending": 0, "firing": 1, "resolved": 2}
    for alert in watched.alerts.events:
        name = (alert.fingerprint, alert.opened_at)
        assert order[alert.state] >= order[states.get(name, "pending")]
        states[name] = alert.state


def test_a_point_delivered_again_sends_the_open_alert_again():
    timeline = surge()
    watched = Watched()
    for batch in batches(timeline, 5):
        sent = watched.give(batch)
        if any(alert.state == "firing" for alert in sent):
            break
    again = watched.give(batch)
    assert again == [sent[-1]]


def test_a_sweep_of_a_calm_open_alert_sends_nothing_new():
    watched = Watched()
    for batch in batches(surge(), 5):
        if any(alert.state == "firing" for alert in watched.give(batch)):
            break
    now = watched.fired()[0].updated_at
    watched.give([sweep((now - START) / timedelta(minutes=1) + 1)])
    minute = (now - START) / timedelta(minutes=1) + 25
    watched.give([sweep(minute)])
    assert watched.give([sweep(minute + 0.2)]) == []


def test_a_minute_that_brings_nothing_bad_opens_nothing():
    """Neutral documents leave the window, which makes its share of negative ones larger."""
    timeline = Timeline()
    timeline.background(random.Random(4), 3, 40)
    for number in range(40):
        timeline.say(HIT + number * 0.1, "neutral")
    for number in range(6):
        timeline.say(HIT + 5 + number * 0.1)
    for minute in range(10, 60):
        timeline.say(HIT + minute, "neutral")
    opened = [one.opened_at for one in Watched().play(timeline, 1).sent]
    negative = {minute_of(at(said.minute)) for said in timeline.said if said.mood == "negative"}
    assert set(opened) <= negative


def test_an_urgent_surge_fires_before_its_minute_ends():
    timeline = Timeline()
    timeline.background(random.Random(1), 2, 40)
    for number in range(25):
        timeline.say(2 * DAY + 5 + number / 60)
    watched = Watched().play(timeline)
    (alert,) = watched.fired()
    assert alert.state == "firing"
    assert alert.firing_at == alert.opened_at == at(2 * DAY + 5)


def test_a_value_that_is_no_point_is_rejected_and_its_neighbours_are_not():
    good = batches(surge(), 10)[0]
    bad = replace(good[0], value=b"{}")
    naive = replace(good[0], value=(good[0].value or b"").replace(b'Z","tickers', b'","tickers'))
    handled = Watch(load_rules(""), MemorySeriesStates(), MemoryAlertStore())(
        [good[0], bad, naive, *good[1:]]
    )
    assert [record for record, _ in handled.rejected] == [bad, naive]
    assert all(isinstance(error, Rejected) for _, error in handled.rejected)


def test_an_acknowledgement_in_between_is_kept():
    watched = Watched()
    acknowledged = False
    for batch in batches(surge(), 5):
        sent = watched.give(batch)
        if not acknowledged and any(alert.state == "firing" for alert in sent):
            last = sent[-1]
            after = replace(last, acknowledged_by="ann", revision=last.revision + 1)
            watched.alerts.save([Change(alerts=(after,), expected=last.revision)])
            acknowledged = True
    (alert,) = watched.fired()
    assert acknowledged
    assert alert.acknowledged_by == "ann"
    assert watched.summary() == Watched().play(surge(), 5).summary()


class AlwaysTaken(MemoryAlertStore):
    def save(self, changes: Sequence[Change]) -> None:
        raise Conflict([changes[0].alerts[0].fingerprint])


def test_a_conflict_that_never_ends_is_an_error_and_not_a_loop():
    watched = Watched(alerts=AlwaysTaken())
    with pytest.raises(RuntimeError, match="two watches"):
        for batch in batches(surge(), 5):
            watched.give(batch)


class Later:
    """An archive that has its documents only from some time on."""

    def __init__(self) -> None:
        self.open = False

    def find(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, FoundDocument]:
        if not self.open:
            return {}
        return {
            asked: FoundDocument(
                evidence=AlertEvidence(
                    id=asked[0],
                    at=at(HIT),
                    title=f"about {asked[0]}",
                    sentiment=Sentiment(0.9, 0.1, 0.0),
                ),
                model_version="baseline-1",
            )
            for asked in wanted
        }


def test_evidence_comes_from_the_point_first_and_from_the_archive_as_soon_as_it_is_there():
    archive = Later()
    store, states = MemoryAlertStore(), MemorySeriesStates()
    watch = Watch(load_rules(""), states, store, archive)
    for batch in batches(surge(), 5):
        sent = [ALERTS.decode(out.value) for out in watch(batch).outgoing]
        if any(alert.state == "firing" for alert in sent):
            break
    early = sent[-1]
    assert 3 <= len(early.evidence) <= 10
    assert all(piece.title is None and piece.sentiment for piece in early.evidence)
    archive.open = True
    minute = (early.updated_at - START) / timedelta(minutes=1)
    (filled,) = [ALERTS.decode(out.value) for out in watch([sweep(minute + 0.9)]).outgoing]
    assert all(piece.title for piece in filled.evidence)
    assert filled.model_version == "baseline-1"
    assert filled.revision > early.revision
    assert [piece.id for piece in filled.evidence] == [piece.id for piece in early.evidence]


def test_the_words_of_the_strongest_evidence_are_told_as_soon_as_they_are_known():
    archive, ready = Later(), False
    archive.open = True
    asked: list[Sequence[Shown]] = []

    def words(shown: Sequence[Shown]) -> Sequence[tuple[str, ...]] | None:
        asked.append(shown)
        return [(text.split()[-1],) for text, *_ in shown] if ready else None

    watch = Watch(load_rules(""), MemorySeriesStates(), MemoryAlertStore(), archive, words=words)
    for batch in batches(surge(), 5):
        sent = [ALERTS.decode(out.value) for out in watch(batch).outgoing]
        if any(alert.state == "firing" for alert in sent):
            break
    early = sent[-1]
    assert all(piece.title and piece.words is None for piece in early.evidence)
    minute = (early.updated_at - START) / timedelta(minutes=1)
    # nothing new: at most the same again
    again = [ALERTS.decode(out.value) for out in watch([sweep(minute + 0.8)]).outgoing]
    assert all(one == early for one in again)
    ready = True
    (filled,) = [ALERTS.decode(out.value) for out in watch([sweep(minute + 0.9)]).outgoing]
    assert [piece.words for piece in filled.evidence[:EXPLAINED]] == [
        (piece.id,) for piece in filled.evidence[:EXPLAINED]
    ]
    assert all(piece.words is None for piece in filled.evidence[EXPLAINED:])
    assert {subject for _, subject, _ in asked[-1]} == {COMPANY.subject}
    # told once
    before = len(asked)
    again = [ALERTS.decode(out.value) for out in watch([sweep(minute + 0.95)]).outgoing]
    assert all(one == filled for one in again)
    assert len(asked) == before


def test_arithmetic_can_be_recomputed_from_what_the_alert_says():
    from math import log10

    from alerts.surprise import count_interval, count_surprise

    (alert,) = Watched().play(surge()).fired()
    for numbers in (alert.peak, alert.arithmetic):
        surprise = count_surprise(int(numbers.observed), numbers.expected, numbers.dispersion)
        assert numbers.statistic == max(0.0, surprise - log10(numbers.tries or numbers.windows))
        assert numbers.p_value == pytest.approx(10**-numbers.statistic)
        assert numbers.interval == count_interval(numbers.expected, numbers.dispersion)
        assert numbers.peaks_per_day and numbers.peak_excess and numbers.allowed_per_day
        own = Returns(numbers.peaks_per_day, numbers.peak_excess)
        assert numbers.per_day == own.per_day(numbers.statistic)
        days = (numbers.at - timeline_start(surge())) / timedelta(days=1)
        young = load_rules("").rules[0].detector.young_penalty * (1 - days / 7)
        assert numbers.threshold == pytest.approx(
            own.level(numbers.allowed_per_day) + young, abs=0.02
        )
    first = alert.peak.at - timedelta(seconds=alert.peak.window_seconds - 60)
    told = [
        said
        for said in surge().said
        if first <= at(said.minute) < alert.peak.at + timedelta(minutes=1)
    ]
    assert alert.peak.documents == len(told)
    assert alert.peak.share == sum(said.mood == "negative" for said in told) / len(told)


def test_the_arithmetic_of_a_share_can_be_recomputed_too():
    from alerts.surprise import share_interval, share_surprise

    (rule, *_) = load_rules("").rules
    book = replace(load_rules(""), rules=(replace(rule, signal="negative_share", version=""),))
    (alert,) = Watched(book).play(worse_but_not_louder()).fired()
    for numbers in (alert.peak, alert.arithmetic):
        assert numbers.signal == "negative_share" and numbers.share_weight and numbers.tries
        known = (numbers.documents, numbers.usual_share, numbers.share_weight)
        surprise = share_surprise(int(numbers.observed), *known)
        assert numbers.share_p_value == pytest.approx(10**-surprise)
        assert numbers.p_value == pytest.approx(numbers.tries * numbers.share_p_value)
        assert numbers.expected == numbers.documents * numbers.usual_share
        assert numbers.interval == share_interval(*known)
        assert numbers.peaks_per_day and numbers.peak_excess and numbers.allowed_per_day
        own = Returns(numbers.peaks_per_day, numbers.peak_excess)
        assert numbers.per_day == own.per_day(numbers.statistic)
        few = max(0.0, 1.0 - numbers.documents / 100)
        assert numbers.threshold == pytest.approx(
            max(1.0, own.level(numbers.allowed_per_day)) + few, abs=0.02
        )


def test_states_lost_with_redis_are_learned_again_from_the_buckets():
    timeline = surge(per_day=20)
    watched, trends = Watched(), MemoryTrendStore()
    for batch in batches(timeline, 20):
        watched.give(batch)
    trends.add(counted(timeline))
    states = MemorySeriesStates()
    assert rebuild_states(load_rules(""), trends, states) == 1
    assert rebuild_states(load_rules(""), trends, states) == 0
    lost = Watched(states=states, alerts=watched.alerts)
    until = 3 * DAY + 600
    for one in (watched, lost):
        one.give([sweep(until)])
    assert lost.summary() == watched.summary()


def counting(states: MemorySeriesStates, key: SeriesKey) -> float:
    """What the series counts for in the fleet: something, or the test is about nothing."""
    (data,) = states.load([state_name(key)])
    series = Series.decode(data or b"")
    assert series is not None
    assert series.counted
    assert series.counts_for > 0.01
    return series.counts_for


def test_a_rebuilt_fleet_has_the_series_that_had_evidence():
    timeline, quiet = surge(per_day=20), SeriesKey(subject=SubjectId("quiet"))
    timeline.say(10, "neutral", series=quiet)
    trends = MemoryTrendStore()
    trends.add(counted(timeline))
    states = MemorySeriesStates()
    assert rebuild_states(load_rules(""), trends, states, partitions=4) == 2
    names = [fleet_name(partition) for partition in range(4)]
    counts = [part.series for part in Fleet.decode(states.load(names)).parts]
    assert [one for one in counts if one] == [counting(states, COMPANY)]


def test_series_that_kept_their_state_are_counted_again_by_a_rebuild():
    watched, trends = Watched(), MemoryTrendStore()
    timeline = surge(per_day=20)
    for batch in batches(timeline, 20):
        watched.give(batch)
    trends.add(counted(timeline))
    before = watched.states.load([fleet_name(0)])
    watched.states.save({fleet_name(0): b"0 0 0"})
    assert rebuild_states(load_rules(""), trends, watched.states) == 0
    found = Fleet.decode(watched.states.load([fleet_name(0)])).parts[0].series
    assert found == Fleet.decode(before).parts[0].series == counting(watched.states, COMPANY)


class Between(MemorySeriesStates):
    """Something happens elsewhere between a load and the next save."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def save(self, states: Mapping[str, bytes]) -> None:
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()
        super().save(states)


def test_two_processes_count_the_fleet_together():
    states, alerts = Between(), MemoryAlertStore()
    # a topic of more partitions than anybody was told
    processes = [Watch(load_rules(""), states, alerts, partitions=1) for _ in range(2)]
    streams = []
    for partition in (0, 99):
        key = SeriesKey(subject=SubjectId(f"company-{partition}"))
        timeline = Timeline()
        timeline.background(random.Random(1), 3, 40, series=key)
        for number in range(30):
            timeline.say(HIT + number * 1.3, series=key)
        streams.append(
            [
                [replace(one, partition=partition) for one in batch]
                for batch in batches(timeline, 50)
            ]
        )
    for own, other in zip_longest(*streams, fillvalue=[]):
        states.meanwhile = partial(processes[1], other)
        processes[0](own)
    names = [fleet_name(partition) for partition in (0, 99)]
    counts = [part.series for part in Fleet.decode(states.load(names)).parts]
    keys = [SeriesKey(subject=SubjectId(f"company-{partition}")) for partition in (0, 99)]
    assert counts == [counting(states, key) for key in keys]


def test_a_batch_under_way_cannot_undo_a_rebuild():
    """Redis is emptied; while the rebuild runs, a batch that began before it is saved."""
    timeline, trends, states = surge(per_day=20), MemoryTrendStore(), Between()
    trends.add(counted(timeline))
    lost = Watched(states=states)
    lost.give([sweep(3 * DAY)])
    passes = iter([lambda: lost.give([sweep(3 * DAY + 1)])] + [lambda: None] * 20)

    def settle() -> None:
        next(passes)()

    states.meanwhile = lambda: rebuild_states(load_rules(""), trends, states, settle=settle)
    lost.give([sweep(3 * DAY + 0.5)])
    lost.give([sweep(3 * DAY + 2)])
    begun, data, fleet = states.load([BEGINNING, state_name(COMPANY), fleet_name(0)])
    known, series = Beginning.decode(begun), Series.decode(data or b"")
    assert known is not None
    assert series is not None
    assert known.since == series.since == minute_number(timeline_start(timeline)) // 60
    assert Fleet.decode([fleet]).parts[0].series == counting(states, COMPANY)


def test_a_batch_during_a_rebuild_cannot_undo_it_either():
    """While the buckets are replayed a watch begins the series anew, at the right beginning."""
    timeline, states = surge(per_day=20), MemorySeriesStates()
    lost = Watched(states=states)

    class Slow(MemoryTrendStore):
        busy = False

        def buckets(self, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
            # the whole of it: what is replayed
            if series == COMPANY and start.year == 1970 and not self.busy:
                self.busy = True
                lost.give([sweep(3 * DAY + 1)])
            return super().buckets(series, start, end)

    trends = Slow()
    trends.add(counted(timeline))
    lost.give([sweep(3 * DAY)])
    settled = iter([lambda: lost.give([sweep(3 * DAY + 2)])] + [lambda: None] * 20)
    rebuild_states(load_rules(""), trends, states, settle=lambda: next(settled)())
    lost.give([sweep(3 * DAY + 3)])
    (data,) = states.load([state_name(COMPANY)])
    series = Series.decode(data or b"")
    assert series is not None and series.negatives > 0 and len(series.voices) > 10
    # and what such a batch left behind before is found by the next
    states.save(
        {state_name(COMPANY): Series.begun(minute_start(series.since * 60), at(0)).encode()}
    )
    assert rebuild_states(load_rules(""), trends, states) == 1
    assert rebuild_states(load_rules(""), trends, states) == 0


@pytest.mark.parametrize("days", [3, 0.7])
def test_a_state_from_before_a_rebuild_that_is_saved_after_it_is_found(days):
    """Begun at the loss, and told of the right beginning since: it looks as old as any."""
    timeline, trends, states = Timeline(), MemoryTrendStore(), MemorySeriesStates()
    timeline.background(random.Random(1), days, 60, negative=0.5)
    trends.add(counted(timeline))
    begun = minute_number(timeline_start(timeline)) // 60
    stale = Series.begun(at(days * DAY), at(days * DAY))
    states.save({state_name(COMPANY): stale.encode()})
    stale.since = begun
    late = iter([{state_name(COMPANY): stale.encode()}] + [{}] * 20)
    assert rebuild_states(load_rules(""), trends, states, settle=lambda: states.save(next(late)))
    (data,) = states.load([state_name(COMPANY)])
    series = Series.decode(data or b"")
    assert series is not None and series.since == begun
    assert len(series.voices) >= 10 and (series.hours or series.share_documents)


def test_evidence_is_gathered_while_a_long_batch_lasts():
    timeline = surge(documents=60)
    for minute in range(int(HIT) + 100, int(HIT) + 400, 2):
        timeline.say(minute)
    small, large = Watched().play(timeline, 10), Watched().play(timeline, 5_000)
    for one, other in zip(small.fired(), large.fired(), strict=True):
        assert len(other.evidence) == 10
        assert {piece.id for piece in one.evidence} == {piece.id for piece in other.evidence}


def test_an_alert_of_last_month_is_not_sent_again_with_every_old_point():
    watched = Watched().play(surge(), until=HIT + 3 * DAY)
    (alert,) = watched.fired()
    assert alert.state == "resolved"
    watched.give([sweep(40 * DAY)])
    # another process's watermark is a little behind
    for number in range(20):
        assert watched.give([sweep(40 * DAY + number), sweep(40 * DAY - 5)]) == []


@pytest.mark.parametrize("minimum", [20, 25, 200])
def test_a_rule_may_ask_for_more_documents_than_voices_are_remembered(minimum):
    rules = load_rules("")
    company = next(one for one in rules.rules if one.id == "company-negative-surge")
    detector = replace(company.detector, minimum=minimum, minimum_under_hour=minimum)
    book = replace(rules, rules=(replace(company, detector=detector),))
    timeline = surge(documents=0)
    for number in range(400):
        timeline.say(HIT + number * 0.5)
    watched = Watched(rules=book).play(timeline, until=HIT + 2 * DAY)
    (alert,) = watched.fired()
    assert watched.alerts.events[0].arithmetic.documents >= minimum
    assert at(HIT) <= alert.opened_at < at(HIT + 200)


def test_a_running_watch_takes_over_what_was_rebuilt_after_redis_lost_it():
    """Redis is emptied, the watch stumbles over it and begins anew; then it is rebuilt."""
    timeline = surge(per_day=20)
    trends, whole = MemoryTrendStore(), Watched()
    for batch in batches(timeline, 20):
        whole.give(batch)
    trends.add(counted(timeline))
    states = MemorySeriesStates()
    lost = Watched(states=states, alerts=whole.alerts)
    lost.give([sweep(3 * DAY)])
    assert rebuild_states(load_rules(""), trends, states) == 1
    for one in (whole, lost):
        one.give([sweep(3 * DAY + 600)])
    assert lost.summary() == whole.summary()
    (data,) = states.load([state_name(COMPANY)])
    held = Series.decode(data or b"")
    assert held is not None
    assert held.since <= minute_number(timeline_start(timeline)) // 60


def test_the_usual_sentiment_is_rebuilt_with_the_counts():
    """Redis is emptied and rebuilt; a fall of the sentiment is then held against all there was."""
    book = parse_rules(rules("kind: sentiment_drop, by: 0.5, window: 1h, minimum: 10"))
    timeline = Timeline()
    for number in range(200):
        timeline.say(number * 30.0, "positive" if number % 2 else "neutral")
    trends, states = MemoryTrendStore(), MemorySeriesStates()
    trends.add(counted(timeline))
    whole = Watched(rules=book).play(timeline)
    lost = Watched(rules=book, states=states)
    lost.give([sweep(6000)])
    assert rebuild_states(book, trends, states) == 1
    fall = Timeline()
    for number in range(12):
        fall.say(6100.0 + number, "negative" if number % 2 else "neutral")
    for one in (whole, lost):
        one.play(fall)
    assert len(whole.alerts.rows) == 1
    assert lost.summary() == whole.summary()
