"""Before any label: the encoder learns the language of the stream by guessing hidden words.

Masked language modelling (Devlin et al. 2019, section 3.1): of each text 15 % of the words are
asked for; eight in ten of them are hidden, one is replaced by another word, one is left. A word is
guessed from the state in its place, through a layer that is thrown away afterwards, by the word
vectors, which stay the base's.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from models.corpus import batches, corpus_of, place_of
from models.data import Example
from models.encoder import Base
from models.network import Network
from models.optimizing import freeze_words, schedule
from models.precision import multiplying, resolved
from models.recipe import Recipe
from models.reporting import Report
from pipeline.errors import ConfigurationError

log = logging.getLogger(__name__)

HIDDEN, REPLACED = 0.8, 0.1
NOT_ASKED = -100
_FILE = "adapted.safetensors"
_ABOUT = "adapted.json"


class Guess(nn.Module):
    """From a token's state to a score for each word."""

    def __init__(self, width: int, words: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(words))

    def forward(self, states: Tensor, vectors: Tensor) -> Tensor:
        """(places, words) from (places, width) and the word vectors (words, width)."""
        made = self.norm(functional.gelu(self.dense(states)))
        return functional.linear(made, vectors, self.bias)


@dataclass(frozen=True, slots=True)
class Words:
    """What the masking must know of a vocabulary."""

    size: int
    mask: int
    special: frozenset[int]


def adapt(
    network: Network,
    recipe: Recipe,
    texts: Sequence[str],
    base: Base,
    work: Path | None = None,
    report: Report | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> float:
    """Adapt the network's encoder to `texts`; the mean loss of the last tenth of the steps, in
    nats a word asked for. What was done before in `work` is not done again.

    Raises `ConfigurationError` where there is no text or the vocabulary cannot hide a word.
    """
    words = words_of(base)
    unique = in_order(texts)
    if not unique:
        raise ConfigurationError("adapt: no text in these files")
    told = _told(recipe, unique)
    if work is not None and (found := _done(work, told)) is not None:
        state, known = found
        network.encoder.load_state_dict(state)
        return known
    pad, precision = base.pad, resolved(recipe.precision, device)
    corpus = corpus_of([Example(text, "") for text in unique], base.tokenizer, recipe.window)
    network.to(device).train()
    freeze_words(network)
    guess = Guess(base.width, words.size).to(device)
    vectors = network.encoder.get_input_embeddings().weight
    learned = [one for one in network.encoder.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(
        [*learned, *guess.parameters()],
        lr=recipe.adapt_rate,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    chance = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    one_cycle = replace(recipe, epochs=recipe.adapt_epochs, cycles=(), cycle_rates=())
    per_epoch = -(-len(corpus) // recipe.batch_texts)
    steps = per_epoch * recipe.adapt_epochs
    losses: list[float] = []
    for epoch in range(recipe.adapt_epochs):
        for rows in batches(corpus, recipe.batch_texts, recipe.seed * 1000 + epoch):
            inputs = corpus.inputs(rows, pad)
            ids, asked = masked(inputs.ids, words, chance)
            if not bool((asked != NOT_ASKED).any()):
                asked[:, 1] = inputs.ids[:, 1]
            rate = recipe.adapt_rate * schedule(len(losses), per_epoch, one_cycle)
            for group in optimizer.param_groups:
                group["lr"] = rate
            places = (asked != NOT_ASKED).to(device)
            wanted = asked.to(device)[places]
            with multiplying(precision, device):
                states = network.encoder(
                    input_ids=ids.to(device), attention_mask=inputs.mask.long().to(device)
                ).last_hidden_state
                guesses = guess(states[places], vectors)
            loss = functional.cross_entropy(guesses.float(), wanted)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learned, recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(float(loss.detach()))
            if report is not None and len(losses) % 20 == 0:
                report("adapt/loss", losses[-1], len(losses))
            if progress is not None:
                progress(len(losses), steps)
    last = losses[-max(1, len(losses) // 10) :]
    mean = sum(last) / len(last)
    log.info("adapted to %d texts: %.3f nats a hidden word", len(unique), mean)
    if work is not None:
        _keep(work, network, told, mean)
    return mean


def in_order(texts: Iterable[str]) -> list[str]:
    """Each text once, in an order that the texts alone decide."""
    return sorted(set(texts), key=lambda text: (place_of(text), text))


def words_of(base: Base) -> Words:
    """The vocabulary. Raises `ConfigurationError` where it has no word for a hidden one."""
    mask = base.tokenizer.token_to_id("[MASK]")
    if mask is None:
        raise ConfigurationError(f"{base.folder}: adapt: its vocabulary has no [MASK]")
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    special = frozenset(
        number for name in names if (number := base.tokenizer.token_to_id(name)) is not None
    )
    return Words(int(base.config["vocab_size"]), mask, special)


def masked(
    ids: Tensor, words: Words, chance: torch.Generator, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """(ids with words hidden, the words asked for and `NOT_ASKED` elsewhere), like `ids`."""
    may = torch.ones_like(ids, dtype=torch.bool)
    for number in words.special:
        may &= ids != number
    draw = torch.rand(ids.shape, generator=chance)
    asked = may & (draw < share)
    wanted = torch.where(asked, ids, torch.full_like(ids, NOT_ASKED))
    how = torch.rand(ids.shape, generator=chance)
    others = torch.randint(words.size, ids.shape, generator=chance)
    found = torch.where(asked & (how < HIDDEN), torch.full_like(ids, words.mask), ids)
    found = torch.where(asked & (how >= HIDDEN) & (how < HIDDEN + REPLACED), others, found)
    return found, wanted


def _told(recipe: Recipe, texts: Sequence[str]) -> str:
    digest = sha256("\0".join(texts).encode()).hexdigest()
    numbers = (recipe.seed, recipe.window, recipe.batch_texts, recipe.adapt_epochs, recipe.clip)
    return json.dumps([digest, recipe.base, *numbers, recipe.adapt_rate, recipe.weight_decay])


def _done(work: Path, told: str) -> tuple[dict[str, Tensor], float] | None:
    try:
        about = json.loads((work / _ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return (load_file(work / _FILE), float(about["loss"])) if about["told"] == told else None


def _keep(work: Path, network: Network, told: str, loss: float) -> None:
    work.mkdir(parents=True, exist_ok=True)
    state = network.encoder.state_dict()
    save_file({n: v.detach().cpu().contiguous().clone() for n, v in state.items()}, work / _FILE)
    (work / _ABOUT).write_text(json.dumps({"told": told, "loss": loss}))
