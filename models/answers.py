"""A network's answers over a corpus, and how right they are."""

import torch
from torch import Tensor

from models.corpus import Corpus
from models.data import LABELS
from models.network import Network, Outputs
from models.network_shape import HEADS


def logits_of(
    network: Network, corpus: Corpus, pad: int, device: str = "cpu", size: int = 64
) -> dict[str, Tensor]:
    """The network's logits for every text of `corpus`, in its order, on the CPU."""
    found = {task: torch.zeros(0) for task in HEADS}
    by_row: dict[str, list[tuple[list[int], Tensor]]] = {task: [] for task in HEADS}
    order = sorted(range(len(corpus)), key=lambda row: len(corpus.encoded[row].ids))
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            outputs: Outputs = network(corpus.inputs(rows, pad).to(device))
            for task, logits in outputs.logits.items():
                places = corpus.companies(rows) if task == "entity_sentiment" else rows
                by_row[task].append((places, logits.cpu()))
    for task, parts in by_row.items():
        total = corpus.first[-1] if task == "entity_sentiment" else len(corpus)
        whole = torch.zeros(total, len(LABELS[task]))
        for places, logits in parts:
            whole[torch.tensor(places, dtype=torch.long)] = logits
        found[task] = whole
    return found


def known_labels(corpus: Corpus) -> dict[str, Tensor]:
    """Each task's labels."""
    return {"sentiment": corpus.sentiment, "topic": corpus.topic, "entity_sentiment": corpus.entity}


def macro_f1(guesses: Tensor, wanted: Tensor, classes: int) -> float:
    """The unweighted mean of the classes' F1 over the classes that occur in either."""
    scores = []
    for number in range(classes):
        right = int(((guesses == number) & (wanted == number)).sum())
        made, there = int((guesses == number).sum()), int((wanted == number).sum())
        if made or there:
            scores.append(2.0 * right / (made + there))
    return sum(scores) / max(1, len(scores))


def score_of(network: Network, corpus: Corpus, pad: int, device: str = "cpu") -> dict[str, float]:
    """Accuracy and macro-F1 of each task that has labels; `score` is the mean of both."""
    answers = logits_of(network, corpus, pad, device)
    figures: dict[str, float] = {}
    for task, wanted in known_labels(corpus).items():
        known = wanted >= 0
        if known.any():
            guesses = answers[task][known].argmax(-1)
            figures[f"{task}/accuracy"] = float((guesses == wanted[known]).float().mean())
            figures[f"{task}/macro_f1"] = macro_f1(guesses, wanted[known], len(LABELS[task]))
    figures["score"] = sum(figures.values()) / max(1, len(figures))
    return {name: round(value, 5) for name, value in figures.items()}
