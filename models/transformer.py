"""Any Hugging Face sequence classifier behind the `Classifier` port: FinBERT and its kin.

Safetensors only and no code from the repository: a model is data. It tells sentiment; the
topic comes from the baseline's words, so that topic series exist whichever model serves.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.baseline import LexiconClassifier
from models.batching import token_batches
from models.labels import sentiment_labels
from pipeline.documents import Classification, Sentiment, SentimentLabel
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput

log = logging.getLogger(__name__)

# Characters handed to the tokenizer: far beyond any window, far below a megabyte of text.
READ_CHARACTERS = 8_000
# Positions a model may claim without meaning it (tokenizers say 10^30 for "unknown").
MOST_TOKENS = 512
# Padded tokens in one forward pass; 8,192 keeps a BERT-base under 1 GB of activations.
TOKEN_BUDGET = 8_192
_PLAIN_WORDS = "the company said its profit fell 公司 利润 下降"


class TransformerClassifier:
    """A loaded model. Not thread-safe: one stage, one thread, as the forward pass needs."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        labels: tuple[SentimentLabel, ...],
        version: str,
        token_budget: int = TOKEN_BUDGET,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._labels = labels
        self._version = version
        self._budget = token_budget
        self._window = _window(model.config, tokenizer)
        self._topics = LexiconClassifier()

    @classmethod
    def load(cls, name: str, labels: str = "") -> "TransformerClassifier":
        """The model in the directory or under the hub id `name`, on the GPU where there is
        one. `HF_HUB_OFFLINE` is respected: then only the local cache is read. Raises
        `ConfigurationError` with what is missing.
        """
        import torch
        import transformers

        # a service has a log, not a terminal
        reports: Any = transformers.utils.logging
        reports.disable_progress_bar()
        try:
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
            meanings = sentiment_labels(
                {int(number): str(label) for number, label in config.id2label.items()}, labels
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            model, loading = transformers.AutoModelForSequenceClassification.from_pretrained(
                name,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                # one saved in half precision would be computed in it, slowly on a CPU
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # a foreign file can be wrong in every way there is
            raise _unusable(name, f"{type(error).__name__}: {error}") from error
        # a bare encoder would get a random head, and answer
        if lacking := sorted({*loading["missing_keys"], *map(str, loading["mismatched_keys"])}):
            raise _unusable(name, f"its weights lack {', '.join(lacking[:5])}")
        if tokenizer.pad_token is None:
            raise _unusable(name, "its tokenizer has no padding token")
        # without its files the library makes up a tokenizer that knows no word
        if _knows_nothing(tokenizer) or 2 * len(tokenizer) < (config.vocab_size or 0):
            raise _unusable(name, f"its tokenizer is missing or another's: {len(tokenizer)} words")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model.to(device)
        model.eval()
        version = f"{Path(name).name or name}-{_digest(model, meanings)}"
        log.info("model %s on %s, classes %s", version, device, ", ".join(meanings))
        return cls(model, tokenizer, meanings, version)

    def with_token_budget(self, tokens: int) -> "TransformerClassifier":
        """The same model with at most `tokens` padded tokens in one forward pass."""
        return TransformerClassifier(
            self._model, self._tokenizer, self._labels, self._version, tokens
        )

    @property
    def version(self) -> str:
        """The model's name and a hash of its weights and of what its classes mean."""
        return self._version

    @property
    def runtime(self) -> str:
        """How it runs: in torch, in full precision."""
        return "torch-fp32"

    @property
    def device(self) -> str:
        """Where the forward pass runs: `cpu`, `cuda:0`, …"""
        return str(self._model.device)

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order. Text beyond the window is not read; an
        empty text has no sentiment, with the reason."""
        if not inputs:
            return []
        texts = [_readable(one) for one in inputs]
        spoken = [place for place, text in enumerate(texts) if text]
        sentiments: dict[int, Sentiment] = {}
        if spoken:
            encoded = self._tokenizer(
                [texts[place] for place in spoken], truncation=True, max_length=self._window
            )
            lengths = [len(ids) for ids in encoded["input_ids"]]
            for batch in token_batches(lengths, self._budget):
                for row, sentiment in zip(batch, self._forward(encoded, batch), strict=True):
                    sentiments[spoken[row]] = sentiment
        # the words' own language list decides nothing here: the router chose this model
        topics = self._topics.classify(inputs)
        return [
            replace(
                topic,
                model_version=self._version,
                sentiment=sentiments.get(place),
                reason=None if place in sentiments else "empty text",
            )
            for place, topic in enumerate(topics)
        ]

    def _forward(self, encoded: Mapping[str, Any], batch: list[int]) -> list[Sentiment]:
        import torch

        rows = {name: [values[place] for place in batch] for name, values in encoded.items()}
        padded = self._tokenizer.pad(rows, return_tensors="pt").to(self._model.device)
        try:
            with torch.inference_mode():
                logits = self._model(**padded).logits
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            # the other half of the memory may be somebody else's for a while
            torch.cuda.empty_cache()
            middle = len(batch) // 2
            log.warning("out of GPU memory at %d texts: halving the batch", len(batch))
            return self._forward(encoded, batch[:middle]) + self._forward(encoded, batch[middle:])
        return [self._sentiment(row) for row in logits.float().softmax(-1).tolist()]

    def _sentiment(self, probabilities: list[float]) -> Sentiment:
        sums = dict.fromkeys(("negative", "neutral", "positive"), 0.0)
        for label, probability in zip(self._labels, probabilities, strict=True):
            sums[label] += probability
        return Sentiment(**sums)


def _unusable(name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"BELLWETHER_MODEL={name!r} cannot be used (a sequence classifier with config.json, a "
        f"tokenizer and model.safetensors is needed): {' '.join(reason.split())[:300]}"
    )


def _knows_nothing(tokenizer: Any) -> bool:
    """Whether plain words of every language served are unknown to it."""
    known = set(tokenizer(_PLAIN_WORDS, add_special_tokens=False)["input_ids"])
    return known <= {tokenizer.unk_token_id}


def _readable(one: ClassifierInput) -> str:
    text = f"{one.title}\n{one.text}" if one.title and one.text else one.title or one.text
    # a lone surrogate is no text to a tokenizer, and would fail the whole batch
    return text.lstrip()[:READ_CHARACTERS].encode("utf-8", "replace").decode().strip()


def _window(config: Any, tokenizer: Any) -> int:
    """Tokens the model reads: the smallest of what model and tokenizer claim."""
    claims = [MOST_TOKENS, int(tokenizer.model_max_length)]
    positions = getattr(config, "max_position_embeddings", None)
    if positions:
        # RoBERTa counts its positions from the padding id onwards
        offset = config.pad_token_id + 1 if "roberta" in str(config.model_type) else 0
        claims.append(int(positions) - offset)
    return max(8, min(claims))


def _digest(model: Any, meanings: tuple[SentimentLabel, ...]) -> str:
    """Twelve hex digits of the weights (as loaded) and the label map."""
    import torch

    digest = hashlib.sha256(json.dumps(meanings).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest.hexdigest()[:12]
