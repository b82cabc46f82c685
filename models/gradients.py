"""Integrated gradients of our own network, and the attention it pooled with.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017): the gradient
of the called class's log odds by the word vectors is averaged along the straight line from
vectors that say nothing to those of the text, and multiplied by the difference. The
attributions of all tokens add up to the log odds of the text less those of nothing, as far as
the steps are fine enough (`models.integrating`); by how much they do not is told. Nothing is the
padding token in every place; the tokens that open and close the text stay as they are on both ends
of the line, and so get none. A text in several windows is explained in all of them at once, as it
is served: what is derived is their weighted mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.artifact import load
from models.data import readable
from models.explain import MOST_WORDS, TOLERANCE, Explanation, explanation_of
from models.integrating import Integral, integrated
from models.network import Inputs, Network, torch_network
from models.network_shape import HEADS
from models.questions import Scorer
from models.windows import MOST_CHARACTERS, windows_of
from models.words import Span, gathered, word_spans

STEPS = 16
TOKENS_AT_ONCE = 2_048
# Of a text of 1,024 tokens in all its windows the usual steps: more of them would take minutes.
TOKENS_IN_ALL = 16_384


@dataclass(frozen=True, slots=True)
class Pieces:
    """A window of a text as token numbers, the characters of each (an empty span for one that
    stands for no character), the companies asked about in it, by place, with the positions of
    the tokens of their names, and its part in the text's answer."""

    ids: Sequence[int]
    offsets: Sequence[Span]
    mentions: Sequence[Sequence[int]]
    companies: Sequence[int] = ()
    weight: float = 1.0


class NetworkExplainer:
    """Explains a `Network`. `scorer` is the same one as it is measured, with its version and its
    scales; `pieces` cuts a text in the windows it is served in, all of one length. It takes
    `steps`, and up to `most` where they are too few. Not thread-safe; leaves the network in
    evaluation mode."""

    def __init__(
        self,
        network: Network,
        pieces: Callable[[str, Sequence[str]], Sequence[Pieces]],
        pad: int,
        scorer: Scorer,
        steps: int = STEPS,
        most: int = 0,
    ) -> None:
        self._network = network.eval()
        self._pieces = pieces
        self._pad = pad
        self._scorer = scorer
        self._scales = {task: scorer.scale(task) for task in HEADS}
        self._steps, self._most = steps, most

    @property
    def version(self) -> str:
        """The artifact's."""
        return self._scorer.version

    @property
    def scorer(self) -> Scorer:
        """The same network as it is measured."""
        return self._scorer

    def explain(self, text: str, names: Sequence[str] = ()) -> list[Explanation]:
        """As `models.explain.Explainer` says, from passes of as many rows as windows times steps
        for all tasks."""
        text = readable(text)
        cuts = self._pieces(text, names) if text else ()
        if not cuts:
            return []
        asked: list[tuple[str, str | None]] = [("sentiment", None), ("topic", None)]
        asked += [("entity_sentiment", name) for name in names]
        parts = [_parts(cuts, at) for at in range(len(asked))]
        one = _copies(cuts, 1, next(self._network.parameters()).device)
        with torch.no_grad():
            told = self._network(one)
        scaled = [
            self._scales[task].applied(_merged(told.logits[task], some))[0]
            for (task, _), some in zip(asked, parts, strict=True)
        ]
        chances = [row.softmax(-1).tolist() for row in scaled]
        called = [row.index(max(row)) for row in chances]
        worth = self._attributions(cuts, one, [task for task, _ in asked], parts, called)
        words = word_spans(text)[:MOST_WORDS]
        # blanks at the end are no tokens
        read = max(end for cut in cuts for _, end in cut.offsets)
        return [
            explanation_of(
                task,
                about,
                text,
                chances[at],
                words,
                _by_word(cuts, worth.parts[at], words),
                _by_word(cuts, _attention(told.weights[task], parts[at], len(cuts)), words),
                "integrated gradients",
                read if text[read:].strip() else len(text),
                missed=float(worth.error[at]),
                odds=float(log_odds(scaled[at], called[at])),
            )
            for at, (task, about) in enumerate(asked)
        ]

    def _attributions(
        self,
        cuts: Sequence[Pieces],
        one: Inputs,
        tasks: Sequence[str],
        parts: Sequence["_Parts"],
        called: Sequence[int],
    ) -> Integral:
        """For each question the attribution of each token, (windows, tokens)."""
        network, device = self._network, one.ids.device
        offsets = [[start < end for start, end in cut.offsets] for cut in cuts]
        spoken = torch.tensor(offsets, device=device)
        with torch.no_grad():
            full = network.embedded(one.ids)
            nothing = network.embedded(torch.where(spoken, self._pad, one.ids))
        difference = full - nothing
        # of a long text some points at a time: the states of all would be gigabytes
        at_once = max(1, TOKENS_AT_ONCE // one.ids.numel())

        def odds(vectors: Tensor, copies: int) -> list[Tensor]:
            logits = network.on_embeddings(vectors, _copies(cuts, copies, device)).logits
            return [
                log_odds(self._scales[task].applied(_merged(logits[task], some, copies)), label)
                for task, some, label in zip(tasks, parts, called, strict=True)
            ]

        def vectors_at(points: Tensor) -> Tensor:
            along = points.to(device)[:, None, None, None]
            return (nothing + along * difference).flatten(0, 1)

        def values(points: Tensor) -> Tensor:
            with torch.no_grad():
                told = [
                    torch.stack(odds(vectors_at(some), len(some)), 1)
                    for some in torch.split(points, at_once)
                ]
            return torch.cat(told)

        def slopes(points: Tensor) -> tuple[Tensor, Tensor]:
            told, found = [], []
            for some in torch.split(points, at_once):
                vectors = vectors_at(some).requires_grad_()
                with torch.enable_grad():
                    targets = odds(vectors, len(some))
                    gradients = [
                        torch.autograd.grad(one.sum(), vectors, retain_graph=True)[0]
                        for one in targets
                    ]
                told.append(torch.stack(targets, 1).detach())
                by_token = [
                    (one.view(len(some), *difference.shape) * difference).sum(-1)
                    for one in gradients
                ]
                found.append(torch.stack(by_token, 1))
            return torch.cat(told), torch.cat(found)

        most = min(self._most, TOKENS_IN_ALL // one.ids.numel())
        return integrated(values, slopes, self._steps, most, TOLERANCE)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Of which rows an answer is made, of so many in a copy: (row, window, weight)."""

    rows: Sequence[tuple[int, int, float]]
    of: int


def _parts(cuts: Sequence[Pieces], at: int) -> _Parts:
    """The rows behind question `at`: every window's for the text, else those of the windows that
    name the company."""
    if at < 2:
        return _Parts([(n, n, cut.weight) for n, cut in enumerate(cuts)], len(cuts))
    asked = [(n, company) for n, cut in enumerate(cuts) for company in cut.companies]
    rows = [(row, n) for row, (n, company) in enumerate(asked) if company == at - 2]
    total = sum(cuts[n].weight for _, n in rows)
    return _Parts([(row, n, cuts[n].weight / total) for row, n in rows], len(asked))


def _merged(logits: Tensor, parts: _Parts, copies: int = 1) -> Tensor:
    """(copies, labels): the weighted mean of the rows, as it is served."""
    each = logits.view(copies, parts.of, -1)
    return torch.stack([weight * each[:, row] for row, _, weight in parts.rows]).sum(0)


def _attention(weights: Tensor, parts: _Parts, windows: int) -> Tensor:
    """(windows, tokens): the pooling weights of all windows together."""
    found = torch.zeros((windows, weights.shape[-1]), device=weights.device)
    for row, window, weight in parts.rows:
        found[window] += weight * weights[row]
    return found


def _by_word(cuts: Sequence[Pieces], values: Tensor, words: Sequence[Span]) -> list[float]:
    """The values of the words, in all windows they stand in."""
    each = [
        gathered(cut.offsets, one, words) for cut, one in zip(cuts, values.tolist(), strict=True)
    ]
    return [sum(of_word) for of_word in zip(*each, strict=True)]


def artifact_explainer(
    folder: Path, base: str, scorer: Scorer, steps: int = STEPS, most: int = 0
) -> NetworkExplainer:
    """The artifact in `folder` explained in float32; `scorer` is it as it is served. Raises
    `ConfigurationError` as `models.artifact.load` does."""
    artifact = load(folder, base)
    tokenizer = artifact.tokenizer

    def pieces(text: str, names: Sequence[str]) -> list[Pieces]:
        asked = [(name,) for name in names]
        windows = windows_of(tokenizer, [text], [asked], artifact.reach, len(asked))
        # the first and the last token open and close the text, in each window
        spans = tokenizer.encode(text[:MOST_CHARACTERS]).offsets[1:-1]
        return [
            Pieces(
                one.encoded.ids,
                [(0, 0), *spans[one.first : one.first + len(one.encoded.ids) - 2], (0, 0)],
                one.encoded.mentions,
                one.companies,
                one.weight,
            )
            for one in windows
        ]

    return NetworkExplainer(torch_network(artifact), pieces, artifact.pad, scorer, steps, most)


def log_odds(logits: Tensor, label: int) -> Tensor:
    """log(p / (1 - p)) of one class, by row. A probability close to one no longer moves with
    what speaks for it; its odds do."""
    others = torch.cat((logits[..., :label], logits[..., label + 1 :]), -1)
    return logits[..., label] - others.logsumexp(-1)


def _copies(cuts: Sequence[Pieces], copies: int, device: torch.device) -> Inputs:
    """The windows so many times as one batch, their companies copy by copy."""
    tokens = len(cuts[0].ids)
    asked = [(n, places) for n, cut in enumerate(cuts) for places in cut.mentions]
    mentions = torch.zeros((len(asked), tokens), dtype=torch.bool, device=device)
    for company, (_, places) in enumerate(asked):
        mentions[company, list(places)] = True
    rows = torch.tensor([n for n, _ in asked], dtype=torch.long, device=device)
    firsts = torch.arange(copies, device=device) * len(cuts)
    return Inputs(
        torch.tensor([list(cut.ids) for cut in cuts], dtype=torch.long, device=device).repeat(
            copies, 1
        ),
        torch.ones((copies * len(cuts), tokens), dtype=torch.bool, device=device),
        (firsts[:, None] + rows).flatten(),
        mentions.repeat(copies, 1),
    )
