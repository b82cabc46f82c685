"""A two-layer encoder with random weights and a tokenizer of a few words: seconds, no hub."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models.artifact import save
from models.artifact_files import digest, seal
from models.data import LABELS
from models.encoder import read_base
from models.encoding import Encoded
from models.finding import BaseReference
from models.graph import BertShape, Ranges
from models.network_shape import HEADS, Shape
from models.ranging import measured_ranges

WORDS = (
    "shares plunge rise after the company said profit fell strong weak news in a day acme bolt "
    "corp good bad dull up down not http . , % $ 1 2 3"
).split()
SHAPE = Shape(width=32, pool_heads=2, story_width=8, dropout=0.1)


def tiny_base(folder: Path, seed: int = 1, hidden_words: bool = False) -> BaseReference:
    """Write the encoder to `folder`; how an artifact refers to it. `hidden_words`: its
    vocabulary has a word for a hidden one."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{one}" for one in letters)]
    names += ["[MASK]"] if hidden_words else []
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    width, inner, layers = SHAPE.width, 64, 2
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": len(vocabulary),
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": inner,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    chance = np.random.default_rng(seed)
    tensors = {
        "embeddings.word_embeddings.weight": (len(vocabulary), width),
        "embeddings.position_embeddings.weight": (64, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm": (width,),
    }
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            tensors[f"{name}.attention.self.{part}"] = (width, width)
        tensors[f"{name}.attention.output.dense"] = (width, width)
        tensors[f"{name}.attention.output.LayerNorm"] = (width,)
        tensors[f"{name}.intermediate.dense"] = (inner, width)
        tensors[f"{name}.output.dense"] = (width, inner)
        tensors[f"{name}.output.LayerNorm"] = (width,)
    made: dict[str, np.ndarray] = {}
    for name, shape in tensors.items():
        if name.endswith("LayerNorm"):
            made[f"{name}.weight"], made[f"{name}.bias"] = np.ones(shape), np.zeros(shape)
        elif name.endswith("weight"):
            made[name] = chance.standard_normal(shape) * 0.5
        else:
            made[f"{name}.weight"] = chance.standard_normal(shape) * 0.5
            made[f"{name}.bias"] = chance.standard_normal(shape[0]) * 0.1
    save_file(
        {name: value.astype(np.float32) for name, value in made.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return BaseReference("tiny", digest(folder / "model.safetensors"), "")


def head_tensors(seed: int = 2) -> dict[str, np.ndarray]:
    """Random heads for `SHAPE`, by the names of `models.network.Network`."""
    width, chance = SHAPE.width, np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {
        "story.weight": chance.standard_normal((SHAPE.story_width, width)),
        "story.bias": chance.standard_normal(SHAPE.story_width),
    }
    for task in HEADS:
        name, conditioned = f"heads.{task}", task == "entity_sentiment"
        gathered = 2 * width if conditioned else width
        made[f"{name}.pool.query"] = chance.standard_normal(width)
        made[f"{name}.norm.weight"], made[f"{name}.norm.bias"] = (
            np.ones(gathered),
            np.zeros(gathered),
        )
        parts = {"pool.key": (width, width), "pool.value": (width, width)}
        if conditioned:
            parts["pool.condition"] = (width, width)
        parts |= {"hidden": (width, gathered), "out": (len(LABELS[task]), width)}
        for part, shape in parts.items():
            made[f"{name}.{part}.weight"] = chance.standard_normal(shape) * 0.3
            made[f"{name}.{part}.bias"] = chance.standard_normal(shape[0]) * 0.1
    return {name: value.astype(np.float32) for name, value in made.items()}


def tiny_artifact(folder: Path, base: Path) -> str:
    """Write an artifact with a changed encoder and random heads; its version."""
    reference = tiny_base(base)
    read = read_base(base)
    chance = np.random.default_rng(3)
    tensors = head_tensors()
    for name, value in read.tensors.items():
        changed = "embeddings" not in name
        change = chance.standard_normal(value.shape).astype(np.float32) * 0.02
        tensors[f"encoder.{name}"] = value + change if changed else value
    save(
        folder,
        tensors,
        read,
        {
            "base": reference,
            "shape": SHAPE,
            "temperatures": {"sentiment": 1.2, "topic": 0.9, "entity_sentiment": 1.0},
            "window": 16,
            "languages": ("en",),
            "recipe": {},
            "data": {},
        },
        bits=4,
        ranges=_ranges(base),
    )
    return seal(folder)


def _ranges(base: Path) -> Ranges:
    read = read_base(base)
    shape = BertShape.of(read.config)
    assert shape is not None
    chance = np.random.default_rng(5)
    texts = [Encoded((2, *map(int, chance.integers(4, 60, 12)), 3)) for _ in range(40)]
    return measured_ranges(read.tensors, shape, texts, 0)
