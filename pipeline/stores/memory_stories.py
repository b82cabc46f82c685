"""The in-memory twin of the index of stories in Redis: same rules, same answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.copies import Wording, figures_differ, is_copy
from pipeline.documents import Story
from pipeline.spam import (
    ACCOUNT_WINDOW,
    REMEMBERED,
    SUSPECT_SUBJECTS,
    SUSPECT_WEIGHT,
    TEXT_WINDOW,
)
from pipeline.stories import STORY_SPAN, Place, Telling, placed, same_event

# Stories a band, and events a subject, remembers: the latest.
MOST_IN_BAND = 4
MOST_EVENTS = 16
# Voices an event tells apart.
MOST_VOICES = 64

_SPAN = int(STORY_SPAN.total_seconds())
_TEXT_WINDOW = int(TEXT_WINDOW.total_seconds())
_ACCOUNT_WINDOW = int(ACCOUNT_WINDOW.total_seconds())


@dataclass(slots=True)
class _Told:
    """A story as it stands: times in whole seconds of event time."""

    id: bytes
    first: int
    last: int
    voice: str
    event: bytes
    wording: Wording
    size: int = 0
    tellings: int = 0
    voices: list[str] = field(default_factory=list)

    def lives(self, at: int) -> bool:
        return self.first - _SPAN <= at <= self.last + _SPAN


class MemoryStoryIndex:
    """`StoryIndex` in dictionaries; nothing is forgotten but by event time."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._stories: dict[bytes, _Told] = {}
        # by the texts, and by the reposted documents that never came, that tell them
        self._exact: dict[bytes, bytes] = {}
        self._reposted: dict[str, bytes] = {}
        self._bands: dict[bytes, list[bytes]] = {}
        self._events: dict[str, list[tuple[bytes, bytes]]] = {}
        # the latest tellers of a text, and subjects of an account: name, time, weight
        self._tellers: dict[bytes, list[tuple[str, int, int]]] = {}
        self._subjects: dict[str, list[tuple[str, int, int]]] = {}

    def place(self, tellings: Sequence[Telling]) -> list[Story]:
        """The story of each telling, in order."""
        return [placed(self._place(one), one) for one in tellings]

    def _place(self, one: Telling) -> Place:
        known = self._places.get(one.document)
        if known is None:
            known = self._places[one.document] = self._told(one)
        return known

    def _told(self, one: Telling) -> Place:
        at = int(one.at.timestamp())
        story = self._repeated(one, at) or self._new(one, at)
        position, story.size = story.size, story.size + 1
        story.first, story.last = min(story.first, at), max(story.last, at)
        self._exact[one.wording.exact] = story.id
        if one.repost_of and one.repost_of not in self._places:
            self._reposted[one.repost_of] = story.id
        event = self._stories.get(story.event) or story
        before, event.tellings = event.tellings, event.tellings + 1
        event.first, event.last = min(event.first, at), max(event.last, at)
        if story.voice not in event.voices and len(event.voices) < MOST_VOICES:
            event.voices.append(story.voice)
        return Place(
            story=story.id,
            position=position,
            voice=story.voice,
            event=event.id,
            voices=len(event.voices),
            tellings=before,
            first=event.first,
            suspected_spam=self._suspected(one, story, at),
        )

    def _repeated(self, one: Telling, at: int) -> _Told | None:
        """The living story that `one` tells again."""
        names: list[bytes | None] = []
        if one.repost_of:
            original = self._places.get(one.repost_of)
            names.append(original.story if original else self._reposted.get(one.repost_of))
        names += (self._reposted.get(one.document), self._exact.get(one.wording.exact))
        for name in names:
            story = self._living(name, at)
            if story:
                return story
        for band in one.wording.bands:
            for name in reversed(self._bands.get(band, ())):
                story = self._living(name, at)
                if story and is_copy(story.wording, one.wording):
                    return story
        return None

    def _living(self, name: bytes | None, at: int) -> _Told | None:
        story = self._stories.get(name) if name else None
        return story if story and story.lives(at) else None

    def _new(self, one: Telling, at: int) -> _Told:
        name = one.wording.exact
        story = _Told(name, at, at, one.voice, self._event(one, at) or name, one.wording)
        self._stories[name] = story
        for band in one.wording.bands:
            self._bands[band] = [*self._bands.get(band, ()), name][-MOST_IN_BAND:]
        if one.embedding and story.event == name:
            for subject in one.subjects:
                held = self._events.get(subject, [])
                self._events[subject] = [*held, (name, one.embedding)][-MOST_EVENTS:]
        return story

    def _event(self, one: Telling, at: int) -> bytes | None:
        for subject in one.subjects if one.embedding else ():
            for name, embedding in reversed(self._events.get(subject, ())):
                story = self._living(name, at)
                if (
                    story
                    and not figures_differ(story.wording, one.wording)
                    and same_event(embedding, one.embedding or b"")
                ):
                    return name
        return None

    def _suspected(self, one: Telling, story: _Told, at: int) -> bool:
        text = self._tellers.setdefault(story.wording.template, [])
        if one.account and len(story.wording.words) > 0:
            _remember(text, one.account, at, one.spam_weight)
        weight = sum(each for _, then, each in text if abs(at - then) <= _TEXT_WINDOW)
        return weight >= SUSPECT_WEIGHT or self._scattered(one, at)

    def _scattered(self, one: Telling, at: int) -> bool:
        """Whether an account without a name covers many subjects in a short time."""
        if not one.account or one.spam_weight < 0:
            return False
        held = self._subjects.setdefault(one.account, [])
        for subject in one.subjects:
            _remember(held, subject, at, 0)
        recent = sum(abs(at - then) <= _ACCOUNT_WINDOW for _, then, _ in held)
        return recent >= SUSPECT_SUBJECTS


def _remember(held: list[tuple[str, int, int]], name: str, at: int, weight: int) -> None:
    """Put `name` last, as of now; of too many the first is forgotten."""
    held[:] = [one for one in held if one[0] != name]
    held.append((name, at, weight))
    del held[:-REMEMBERED]
