"""The shipped classifier at work: batches in, topics and sentiments out, in order.

::

    calling thread   | tokenise 1 | tokenise 2 | tokenise 3 |  wait   | …
    forward thread                | forward 1  | forward 2  | forward 3 |

Texts are tokenised in chunks (the fast tokenizer's own threads), each chunk is cut into padded
batches of like length, and one thread of its own runs the forward passes, at most two chunks
behind: that bound is the back-pressure. A call of up to `CHUNK` texts, as the
pipeline's batches are, is one chunk: nothing overlaps there. Nothing a text holds can fail its
neighbours.
"""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from models.batching import token_batches
from models.data import LABELS
from models.encoding import padded_arrays
from models.merging import Chunk, Merged, merged, sign_bits
from models.metrics import Scale, softmax
from models.network_shape import HEADS
from models.runtimes import OutOfMemory, Runtime
from models.windows import Window, windows_of
from pipeline.documents import Classification, Sentiment, SubjectId
from pipeline.ports import Answer, ClassifierInput

log = logging.getLogger(__name__)

# Texts tokenised at once: enough to sort by length, little enough to overlap.
CHUNK = 512
# Padded tokens of one forward pass on a CPU; small batches keep the states in its cache.
TOKEN_BUDGET = 1_024
GPU_TOKEN_BUDGET = 65_536
# Chunks that may wait for the forward thread.
AHEAD = 2
EMPTY = "empty text"

Query = tuple[str, str | None]


class AttentionClassifier:
    """A loaded artifact behind the `Classifier` port. Calls come from one thread at a time;
    `close` ends the forward thread."""

    def __init__(
        self,
        artifact: Artifact,
        runtime: Runtime,
        window: int = 0,
        token_budget: int = 0,
        chunk: int = CHUNK,
    ) -> None:
        self._artifact = artifact
        self._runtime = runtime
        self._window = window or artifact.reach
        self._budget = token_budget or (
            TOKEN_BUDGET if runtime.device == "cpu" else GPU_TOKEN_BUDGET
        )
        self._chunk = chunk
        self._scales = {task: artifact.about.scale(task) for task in HEADS}
        self._forward = ThreadPoolExecutor(1, thread_name_prefix="forward")

    @property
    def version(self) -> str:
        """The artifact's content hash, carried on every classification."""
        return self._artifact.version

    @property
    def device(self) -> str:
        """Where the forward pass runs."""
        return self._runtime.device

    @property
    def runtime(self) -> str:
        """How it runs: library and precision, as `onnx-int8`."""
        return self._runtime.name

    @property
    def languages(self) -> tuple[str, ...]:
        """What it was trained to read."""
        return self._artifact.about.languages

    def close(self) -> None:
        """End the forward thread; what waits is dropped."""
        self._forward.shutdown(wait=True, cancel_futures=True)

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order. A text beyond the window is read in pieces,
        the one with the headline weighing most; an empty one has no sentiment, with the
        reason."""
        return [one.classification for one in self.answers(inputs)]

    def answers(self, inputs: Sequence[ClassifierInput]) -> list[Answer]:
        """As `classify`, each with the signs of its story vector: what tells two texts about
        one event from two that only share a company."""
        texts = [
            f"{one.title}\n{one.text}" if one.title and one.text else one.title or one.text
            for one in inputs
        ]
        asked = [tuple(one.mentions.items()) for one in inputs]
        headlines = [one.title if one.text else "" for one in inputs]
        found = self._answers(texts, [[names for _, names in one] for one in asked], headlines)
        told = iter(
            self._told(
                [
                    (one, [subject for subject, _ in names])
                    for one, names in zip(found, asked, strict=True)
                    if one is not None
                ]
            )
        )
        return [self._silent() if one is None else next(told) for one in found]

    def tasks(self) -> tuple[str, ...]:
        """All of them."""
        return HEADS

    def scale(self, task: str) -> Scale:
        """How the task's logits become probabilities."""
        return self._scales[task]

    def logits(self, task: str, queries: Sequence[Query]) -> NDArray[np.float64]:
        """Uncalibrated logits, a row per (text, name or None); of a text in several windows the
        weighted mean; NaN for an empty text."""
        names = [[] if name is None else [(name,)] for _, name in queries]
        rows = np.full((len(queries), len(LABELS[task])), np.nan)
        for place, answer in enumerate(self._answers([text for text, _ in queries], names)):
            if answer is None:
                continue
            if task != "entity_sentiment":
                rows[place] = answer.logits[task]
            elif answer.companies and (found := answer.companies[0]) is not None:
                rows[place] = found
            else:
                # as in the pipeline: the text's own sentiment counts
                rows[place] = answer.logits["sentiment"]
        return rows

    def _silent(self) -> Answer:
        return Answer(
            classification=Classification(model_version=self.version, reason=EMPTY), embedding=None
        )

    def _told(self, known: Sequence[tuple[Merged, Sequence[SubjectId]]]) -> list[Answer]:
        """What the logits of each text say, all chances in one go: a text costs microseconds."""
        version = self.version
        topics = self._chances([one.logits["topic"] for one, _ in known], "topic")
        best = topics.argmax(axis=1).tolist()
        sentiments = self._sentiments([one.logits["sentiment"] for one, _ in known], "sentiment")
        named = [
            {
                subject: logits
                for subject, logits in zip(subjects, one.companies, strict=False)
                if logits is not None
            }
            for one, subjects in known
        ]
        companies = [logits for some in named for logits in some.values()]
        towards = iter(self._sentiments(companies, "entity_sentiment"))
        return [
            Answer(
                classification=Classification(
                    model_version=version,
                    topic=LABELS["topic"][topic],
                    topic_probability=chances[topic],
                    sentiment=sentiment,
                    subject_sentiments={subject: next(towards) for subject in some},
                ),
                embedding=sign_bits(one.story),
            )
            for (one, _), topic, chances, sentiment, some in zip(
                known, best, topics.tolist(), sentiments, named, strict=True
            )
        ]

    def _sentiments(self, logits: Sequence[NDArray[Any]], task: str) -> list[Sentiment]:
        return [Sentiment(*row) for row in self._chances(logits, task).tolist()]

    def _chances(self, logits: Sequence[NDArray[Any]], task: str) -> NDArray[np.float64]:
        rows = np.zeros((len(logits), len(LABELS[task])))
        if logits:
            np.stack(logits, out=rows)
        return softmax(rows, self._scales[task])

    def _answers(
        self,
        texts: Sequence[str],
        names: Sequence[Sequence[Sequence[str]]],
        headlines: Sequence[str] = (),
    ) -> list[Merged | None]:
        waiting: deque[Future[Chunk]] = deque()
        found: list[Merged | None] = []
        try:
            for start in range(0, len(texts), self._chunk):
                part = slice(start, start + self._chunk)
                windows = windows_of(
                    self._artifact.tokenizer,
                    texts[part],
                    names[part],
                    self._window,
                    headlines=headlines[part],
                    usual=self._artifact.about.window,
                )
                waiting.append(self._forward.submit(self._passed, windows))
                if len(waiting) > AHEAD:
                    found.extend(merged(waiting.popleft().result(), self._chunk))
            while waiting:
                size = min(self._chunk, len(texts) - len(found))
                found.extend(merged(waiting.popleft().result(), size))
        finally:
            # an error, or a caller that gave up: what has not begun is not begun
            for one in waiting:
                one.cancel()
        return found

    def _passed(self, windows: Sequence[Window]) -> Chunk:
        """The forward passes over one chunk. Runs on the forward thread."""
        companies = np.cumsum([0, *(len(one.companies) for one in windows)])
        logits = {
            task: np.zeros(
                (companies[-1] if task == "entity_sentiment" else len(windows), len(LABELS[task])),
                np.float32,
            )
            for task in HEADS
        }
        story = np.zeros((len(windows), self._artifact.about.shape.story_width), np.float32)
        lengths = [len(one.encoded.ids) for one in windows]
        for batch in token_batches(lengths, self._budget):
            self._pass(windows, batch, companies, logits, story)
        return Chunk(windows, logits, story)

    def _pass(
        self,
        windows: Sequence[Window],
        batch: list[int],
        companies: NDArray[np.int64],
        logits: Mapping[str, NDArray[np.float32]],
        story: NDArray[np.float32],
    ) -> None:
        arrays = padded_arrays([windows[place].encoded for place in batch], self._artifact.pad)
        try:
            pooled = self._runtime.run(*arrays)
        except OutOfMemory:
            if len(batch) == 1:
                raise
            middle = len(batch) // 2
            log.warning("out of GPU memory at %d texts: halving the batch", len(batch))
            self._pass(windows, batch[:middle], companies, logits, story)
            self._pass(windows, batch[middle:], companies, logits, story)
            return
        logits["sentiment"][batch] = pooled.logits["sentiment"]
        logits["topic"][batch] = pooled.logits["topic"]
        story[batch] = pooled.story
        rows = [n for place in batch for n in range(companies[place], companies[place + 1])]
        if rows:
            logits["entity_sentiment"][rows] = pooled.logits["entity_sentiment"]
