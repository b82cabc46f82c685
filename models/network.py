"""The network: one encoder below, one attention-pooling head per task on top.

::

    tokens ── encoder (self-attention) ── states (batch, tokens, width)
                                            ├─ sentiment         learned query ── pool ── logits
                                            ├─ topic             learned query ── pool ── logits
                                            ├─ entity_sentiment  learned query + the mention's
                                            │                    states ── pool ── logits, one
                                            │                    row per company of a text
                                            └─ story             mean ── a unit vector

Each task's query attends to the token states by itself, so its weights say what that decision
looked at, and all companies of a text cost one pass of the encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.artifact import Artifact
from models.data import LABELS
from models.encoder import torch_encoder
from models.network_shape import HEADS, Shape


@dataclass(frozen=True, slots=True)
class Inputs:
    """A padded batch. `mask` is 1 where there is a token. Row i of `mentions` marks the tokens
    of one company's name in text `mention_rows[i]`; a batch without companies has none."""

    ids: Tensor  # (batch, tokens) int64
    mask: Tensor  # (batch, tokens) bool
    mention_rows: Tensor  # (companies,) int64
    mentions: Tensor  # (companies, tokens) bool

    def to(self, device: torch.device | str) -> "Inputs":
        """The same on `device`."""
        return Inputs(*(part.to(device, non_blocking=True) for part in self.parts()))

    def parts(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The four tensors in the order of the fields."""
        return (self.ids, self.mask, self.mention_rows, self.mentions)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Uncalibrated logits per task, a row per text (per company for `entity_sentiment`), the
    pooling weights behind them (rows, tokens; they sum to one), and the story vectors."""

    logits: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    story: Tensor


class AttentionPool(nn.Module):
    """States to one vector by a learned query in several heads (multi-head attention with a
    single query; Vaswani et al. 2017, section 3.2.2), and the weights, averaged over heads."""

    def __init__(self, width: int, heads: int, conditioned: bool) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} does not divide into {heads} heads")
        self.heads = heads
        self.query = nn.Parameter(torch.randn(width) * 0.02)
        self.condition = nn.Linear(width, width) if conditioned else None
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(
        self, states: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(rows, width) pooled and (rows, tokens) weights. `condition` is (rows, width)."""
        rows, tokens, width = states.shape
        size = width // self.heads
        query = self.query.expand(rows, width)
        if self.condition is not None and condition is not None:
            query = query + self.condition(condition)
        keys = self.key(states).view(rows, tokens, self.heads, size)
        scores = torch.einsum("rthd,rhd->rht", keys, query.view(rows, self.heads, size))
        scores = scores.float() / size**0.5
        scores = scores.masked_fill(~mask[:, None, :], torch.finfo(torch.float32).min)
        weights = scores.softmax(-1)
        # pooling before the value projection: the same sum, a token's worth of work
        mixed = torch.einsum("rht,rtd->rhd", weights.to(states.dtype), states)
        projection = self.value.weight.view(self.heads, size, width)
        pooled = torch.einsum("rhd,hsd->rhs", mixed, projection).reshape(rows, width)
        return pooled + self.value.bias, weights.mean(1)


class TaskHead(nn.Module):
    """Attention pooling and a small classifier on what it gathered."""

    def __init__(self, shape: Shape, classes: int, conditioned: bool = False) -> None:
        super().__init__()
        width = shape.width
        self.pool = AttentionPool(width, shape.pool_heads, conditioned)
        gathered = 2 * width if conditioned else width
        self.norm = nn.LayerNorm(gathered)
        self.hidden = nn.Linear(gathered, width)
        self.dropout = nn.Dropout(shape.dropout)
        self.out = nn.Linear(width, classes)

    def forward(
        self, states: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(rows, classes) logits and (rows, tokens) weights."""
        pooled, weights = self.pool(states, mask, condition)
        if condition is not None:
            pooled = torch.cat((pooled, condition), -1)
        hidden = nn.functional.gelu(self.hidden(self.dropout(self.norm(pooled))))
        return self.out(self.dropout(hidden)).float(), weights


class Network(nn.Module):
    """The encoder with its heads. `encoder` is any Hugging Face encoder of `shape.width`."""

    def __init__(self, encoder: Any, shape: Shape) -> None:
        super().__init__()
        self.encoder = encoder
        self.shape = shape
        self.heads = nn.ModuleDict(
            {
                task: TaskHead(shape, len(LABELS[task]), conditioned=task == "entity_sentiment")
                for task in HEADS
            }
        )
        self.story = nn.Linear(shape.width, shape.story_width)

    def forward(self, inputs: Inputs) -> Outputs:
        """Every task's logits and weights for a batch."""
        return self.on_embeddings(self.embedded(inputs.ids), inputs)

    def embedded(self, ids: Tensor) -> Tensor:
        """(batch, tokens, width): the word vectors, before the encoder adds positions. The
        place where gradients are taken for explanations and noise is added in training."""
        vectors: Tensor = self.encoder.get_input_embeddings()(ids)
        return vectors

    def on_embeddings(self, vectors: Tensor, inputs: Inputs) -> Outputs:
        """The same as `forward`, from given word vectors."""
        states = self.encoder(
            inputs_embeds=vectors, attention_mask=inputs.mask.long()
        ).last_hidden_state
        return self.on_states(states, inputs)

    def on_states(self, states: Tensor, inputs: Inputs) -> Outputs:
        """The heads alone, from the encoder's states."""
        logits: dict[str, Tensor] = {}
        weights: dict[str, Tensor] = {}
        for task in ("sentiment", "topic"):
            logits[task], weights[task] = self.heads[task](states, inputs.mask)
        rows = inputs.mention_rows
        chosen = states[rows]
        logits["entity_sentiment"], weights["entity_sentiment"] = self.heads["entity_sentiment"](
            chosen, inputs.mask[rows], mean_of(chosen, inputs.mentions)
        )
        story = self.story(mean_of(states, inputs.mask)).float()
        return Outputs(logits, weights, nn.functional.normalize(story, dim=-1))


def mean_of(states: Tensor, chosen: Tensor) -> Tensor:
    """(rows, width): the mean of the chosen (rows, tokens) states, zero where none is."""
    weights = chosen.to(states.dtype)
    total = weights.sum(-1, keepdim=True).clamp(min=1.0)
    return torch.einsum("rt,rtd->rd", weights, states) / total


def torch_network(artifact: Artifact) -> Network:
    """The network of a loaded artifact, in float32 and evaluation mode."""
    network = Network(torch_encoder(artifact.base.folder), artifact.about.shape)
    network.load_state_dict({name: torch.tensor(value) for name, value in artifact.tensors.items()})
    return network.eval()


def tensors_of(network: Network) -> dict[str, NDArray[np.float32]]:
    """Every tensor by name, as `Artifact.tensors` holds them."""
    return {
        name: value.detach().cpu().float().numpy() for name, value in network.state_dict().items()
    }
