"""Integrated gradients of our own network, and the attention it pooled with.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017): the gradient
of the called class's log odds by the word vectors is averaged along the straight line from
vectors that say nothing to those of the text, and multiplied by the difference. The
attributions of all tokens add up to the log odds of the text less those of nothing, as far as
the steps are fine enough. Nothing is the padding token in every place; the tokens that open and
close the text stay as they are on both ends of the line, and so get none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.artifact import load
from models.data import readable
from models.encoding import encode
from models.explain import MOST_WORDS, Explanation, explanation_of
from models.network import Inputs, Network, torch_network
from models.network_shape import HEADS
from models.questions import Scorer
from models.words import Span, gathered, word_spans

STEPS = 16


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text as token numbers, the characters of each (an empty span for one that stands for
    no character), and for each name asked about the positions of its tokens."""

    ids: Sequence[int]
    offsets: Sequence[Span]
    mentions: Sequence[Sequence[int]]
    whole: bool = True
    """Whether nothing was left out."""


class NetworkExplainer:
    """Explains a `Network`. `scorer` is the same one as it is measured, with its version and its
    scales; `pieces` cuts a text up, within the window, as the network was trained to read
    it. Not thread-safe; leaves the network in evaluation mode."""

    def __init__(
        self,
        network: Network,
        pieces: Callable[[str, Sequence[str]], Pieces],
        pad: int,
        scorer: Scorer,
        steps: int = STEPS,
    ) -> None:
        self._network = network.eval()
        self._pieces = pieces
        self._pad = pad
        self._scorer = scorer
        self._scales = {task: scorer.scale(task) for task in HEADS}
        self._steps = steps

    @property
    def version(self) -> str:
        """The artifact's."""
        return self._scorer.version

    @property
    def scorer(self) -> Scorer:
        """The same network as it is measured."""
        return self._scorer

    def explain(self, text: str, names: Sequence[str] = ()) -> list[Explanation]:
        """As `models.explain.Explainer` says, from one pass of as many rows as steps for all
        tasks; of a text beyond the window its beginning."""
        text = readable(text)
        if not text:
            return []
        cut = self._pieces(text, names)
        one = _copies(cut, 1, next(self._network.parameters()).device)
        asked: list[tuple[str, str | None]] = [("sentiment", None), ("topic", None)]
        asked += [("entity_sentiment", name) for name in names]
        with torch.no_grad():
            told = self._network(one)
        chances = [
            self._scales[task].applied(_row(told.logits, at)).softmax(-1).tolist()
            for at, (task, _) in enumerate(asked)
        ]
        called = [row.index(max(row)) for row in chances]
        worth = self._attributions(cut, one, [task for task, _ in asked], called)
        words = word_spans(text)[:MOST_WORDS]
        # blanks at the end are no tokens
        read = len(text) if cut.whole else max([end for _, end in cut.offsets], default=0)
        return [
            explanation_of(
                task,
                about,
                text,
                chances[at],
                words,
                gathered(cut.offsets, worth[at], words),
                gathered(cut.offsets, _row(told.weights, at).tolist(), words),
                "integrated gradients",
                read,
            )
            for at, (task, about) in enumerate(asked)
        ]

    def _attributions(
        self, cut: Pieces, one: Inputs, tasks: Sequence[str], called: Sequence[int]
    ) -> list[list[float]]:
        """For each question the attribution of each token."""
        network, steps, companies = self._network, self._steps, len(cut.mentions)
        spoken = torch.tensor([start < end for start, end in cut.offsets], device=one.ids.device)
        with torch.no_grad():
            full = network.embedded(one.ids)
            nothing = network.embedded(torch.where(spoken, self._pad, one.ids))
        difference = full - nothing
        # the midpoint of each step: the error falls with the square of their number
        along = (torch.arange(steps, device=full.device) + 0.5) / steps
        vectors = (nothing + along[:, None, None] * difference).requires_grad_()
        found = []
        with torch.enable_grad():
            logits = network.on_embeddings(vectors, _copies(cut, steps, full.device)).logits
            for at, (task, label) in enumerate(zip(tasks, called, strict=True)):
                rows = logits[task]
                if task == "entity_sentiment":
                    rows = rows.view(steps, companies, -1)[:, at - 2]
                target = log_odds(self._scales[task].applied(rows), label).sum()
                (gradient,) = torch.autograd.grad(target, vectors, retain_graph=True)
                worth: list[float] = (gradient.mean(0) * difference[0]).sum(-1).tolist()
                found.append(worth)
        return found


def artifact_explainer(
    folder: Path, base: str, scorer: Scorer, steps: int = STEPS
) -> NetworkExplainer:
    """The artifact in `folder` explained in float32; `scorer` is it as it is served. Raises
    `ConfigurationError` as `models.artifact.load` does."""
    artifact = load(folder, base)
    tokenizer, window = artifact.tokenizer, artifact.about.window

    def pieces(text: str, names: Sequence[str]) -> Pieces:
        (cut,) = encode(tokenizer, [text], [[(name,) for name in names]], window)
        # the last token closes the text, wherever it is cut
        spans = tokenizer.encode(text).offsets
        whole = len(spans) <= len(cut.ids)
        return Pieces(cut.ids, [*spans[: len(cut.ids) - 1], (0, 0)], cut.mentions, whole)

    return NetworkExplainer(torch_network(artifact), pieces, artifact.pad, scorer, steps)


def log_odds(logits: Tensor, label: int) -> Tensor:
    """log(p / (1 - p)) of one class, by row. A probability close to one no longer moves with
    what speaks for it; its odds do."""
    others = torch.cat((logits[..., :label], logits[..., label + 1 :]), -1)
    return logits[..., label] - others.logsumexp(-1)


def _copies(cut: Pieces, rows: int, device: torch.device) -> Inputs:
    """The text so many times as one batch, its companies copy by copy."""
    tokens = len(cut.ids)
    mentions = torch.zeros((len(cut.mentions), tokens), dtype=torch.bool, device=device)
    for company, places in enumerate(cut.mentions):
        mentions[company, list(places)] = True
    return Inputs(
        torch.tensor([list(cut.ids)] * rows, dtype=torch.long, device=device),
        torch.ones((rows, tokens), dtype=torch.bool, device=device),
        torch.arange(rows, device=device).repeat_interleave(len(cut.mentions)),
        mentions.repeat(rows, 1),
    )


def _row(values: Mapping[str, Tensor], at: int) -> Tensor:
    """The row of question `at`: sentiment, topic, then a company each."""
    if at < 2:
        return values[("sentiment", "topic")[at]][0]
    return values["entity_sentiment"][at - 2]
