"""A network of a few thousand random weights, and how it cuts a text: a piece a word or two."""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertModel

from models.data import LABELS, TASKS, readable
from models.gradients import Pieces
from models.metrics import PLAIN, Floats, Scale
from models.network import Inputs, Network
from models.network_shape import Shape
from models.questions import Query

PAD, OPEN, CLOSE, FIRST, VOCABULARY = 0, 1, 2, 3, 200


def tiny_network(seed: int = 0) -> Network:
    """The same weights for the same seed; large ones, so that words matter."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    make: Any = BertModel
    network = Network(make(config, add_pooling_layer=False), Shape(width=24, pool_heads=2))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norm" not in name.lower():
                parameter.mul_(3)
    return network.eval()


def pieces(text: str, names: Sequence[str] = ()) -> list[Pieces]:
    """Half words of at most four letters, within two special tokens."""
    spans = [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]
    ids = [FIRST + zlib.crc32(text[a:b].lower().encode()) % (VOCABULARY - FIRST) for a, b in spans]
    mentions = []
    for name in names:
        at = text.find(name)
        mentions.append(
            [n + 1 for n, (a, b) in enumerate(spans) if a >= at and b <= at + len(name)]
        )
    companies = range(len(names))
    return [Pieces([OPEN, *ids, CLOSE], [(0, 0), *spans, (0, 0)], mentions, companies)]


class TinyScorer:
    """The network, measured."""

    version = "tiny"

    def __init__(self, network: Network, scale: Scale = PLAIN) -> None:
        self._network, self._scale = network, scale

    def tasks(self) -> tuple[str, ...]:
        return TASKS

    def scale(self, task: str) -> Scale:
        return self._scale

    def logits(self, task: str, queries: Sequence[Query]) -> Floats:
        rows = np.zeros((len(queries), len(LABELS[task])))
        for place, (text, name) in enumerate(queries):
            (cut,) = pieces(readable(text), [name] if name else [])
            mentions = torch.zeros((len(cut.mentions), len(cut.ids)), dtype=torch.bool)
            for row, places in enumerate(cut.mentions):
                mentions[row, list(places)] = True
            inputs = Inputs(
                torch.tensor([list(cut.ids)]),
                torch.ones((1, len(cut.ids)), dtype=torch.bool),
                torch.zeros(len(cut.mentions), dtype=torch.long),
                mentions,
            )
            with torch.no_grad():
                rows[place] = self._network(inputs).logits[task][0].double().numpy()
        return rows
