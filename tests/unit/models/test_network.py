"""The network, and its twins without torch: the same numbers by another way."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from safetensors.numpy import load_file, save_file

from models.base_files import WEIGHTS
from models.encoder import read_base, torch_encoder
from models.encoding import Encoded
from models.graph import BertShape, bert_graph
from models.network import Inputs, Network, tensors_of
from models.network_shape import HEADS, pool_heads
from models.pooling import NumpyHeads
from models.ranging import measured_ranges
from models.runtimes import adds_exactly
from tests.tiny_encoder import SHAPE, tiny_base

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    tiny_base(path)
    return path


def network_on(folder: Path) -> Network:
    torch.manual_seed(2)
    return Network(torch_encoder(folder), SHAPE).eval()


def batch(rows: int = 3, tokens: int = 9, companies: int = 2) -> Inputs:
    chance = torch.Generator().manual_seed(3)
    ids = torch.randint(4, 40, (rows, tokens), generator=chance)
    mask = torch.ones(rows, tokens, dtype=torch.bool)
    mask[-1, tokens // 2 :] = False
    mentions = torch.zeros(companies, tokens, dtype=torch.bool)
    for company in range(companies):
        mentions[company, 1 + company] = True
    return Inputs(ids, mask, torch.arange(companies) % rows, mentions)


def test_weights_sum_to_one_and_leave_padding_alone(folder: Path) -> None:
    inputs = batch()
    outputs = network_on(folder)(inputs)
    for task in ("sentiment", "topic"):
        weights = outputs.weights[task]
        assert torch.allclose(weights.sum(-1), torch.ones(len(weights)), atol=1e-5)
        assert not weights[~inputs.mask].any()
    assert torch.allclose(outputs.story.norm(dim=-1), torch.ones(3), atol=1e-5)


def test_padding_changes_no_answer(folder: Path) -> None:
    network, inputs = network_on(folder), batch()
    wider = Inputs(
        torch.nn.functional.pad(inputs.ids, (0, 5)),
        torch.nn.functional.pad(inputs.mask, (0, 5)),
        inputs.mention_rows,
        torch.nn.functional.pad(inputs.mentions, (0, 5)),
    )
    narrow, wide = network(inputs), network(wider)
    for task in HEADS:
        assert torch.allclose(narrow.logits[task], wide.logits[task], atol=1e-4)


def test_two_companies_of_one_text_get_answers_of_their_own(folder: Path) -> None:
    inputs = batch(rows=1, companies=2)
    logits = network_on(folder)(inputs).logits["entity_sentiment"]
    assert logits.shape == (2, 3)
    assert not torch.allclose(logits[0], logits[1], atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(some.integers(1, 5), some.integers(2, 12), some.integers(0, 4))
def test_the_heads_in_numpy_are_the_heads_in_torch(
    folder: Path, rows: int, tokens: int, companies: int
) -> None:
    network, inputs = network_on(folder), batch(rows, max(tokens, companies + 2), companies)
    with torch.inference_mode():
        states = network.encoder(
            input_ids=inputs.ids, attention_mask=inputs.mask.long()
        ).last_hidden_state
        outputs = network(inputs)
    heads = NumpyHeads(tensors_of(network), SHAPE)
    pooled = heads(*(part.numpy() for part in (states, *inputs.parts()[1:])))
    for task in HEADS:
        assert np.allclose(outputs.logits[task].numpy(), pooled.logits[task], atol=1e-4)
        assert np.allclose(outputs.weights[task].numpy(), pooled.weights[task], atol=1e-5)
    assert np.allclose(outputs.story.numpy(), pooled.story, atol=1e-5)


def states_by(folder: Path, quantised: bool, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(the graph's states, torch's) of the tokens of a batch."""
    base, inputs = read_base(folder), batch(rows=4, tokens=12)
    shape = BertShape.of(base.config)
    assert shape is not None
    texts = [Encoded(tuple(row)) for row in inputs.ids.tolist()]
    ranges = measured_ranges(base.tensors, shape, texts, 0) if quantised else None
    session = onnxruntime.InferenceSession(
        bert_graph(base.tensors, shape, ranges, signed=signed),
        providers=["CPUExecutionProvider"],
    )
    feed = {"ids": inputs.ids.numpy(), "mask": inputs.mask.numpy().astype(np.int32)}
    with torch.inference_mode():
        wanted = torch_encoder(folder)(
            input_ids=inputs.ids, attention_mask=inputs.mask.long()
        ).last_hidden_state.numpy()
    mask = inputs.mask.numpy()
    return session.run(["states"], feed)[0][mask], wanted[mask]


def test_the_graph_is_the_encoder(folder: Path) -> None:
    made, wanted = states_by(folder, quantised=False)
    assert np.allclose(made, wanted, atol=1e-4)


def test_an_encoder_saved_in_half_precision_is_computed_in_full(tmp_path: Path) -> None:
    tiny_base(tmp_path)
    stored = load_file(tmp_path / WEIGHTS)
    half = {name: value.astype(np.float16) for name, value in stored.items()}
    save_file(half, tmp_path / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "torch_dtype": "float16"}))
    encoder = torch_encoder(tmp_path)
    assert {value.dtype for value in encoder.state_dict().values()} == {torch.float32}


def test_the_graph_in_eight_bits_is_nearly_the_encoder(folder: Path) -> None:
    made, wanted = states_by(folder, quantised=True)
    cosine = (
        (made * wanted).sum(-1) / np.linalg.norm(made, axis=-1) / np.linalg.norm(wanted, axis=-1)
    )
    assert cosine.min() > 0.97


def test_signed_weights_give_the_same_where_products_of_bytes_do_not_overflow(folder: Path) -> None:
    plain, _ = states_by(folder, quantised=True)
    signed, _ = states_by(folder, quantised=True, signed=True)
    if adds_exactly():
        assert np.allclose(signed, plain, atol=1e-4)
    else:
        assert signed.shape == plain.shape


def test_only_a_plain_bert_has_a_graph() -> None:
    assert BertShape.of({"model_type": "roberta", "hidden_act": "gelu"}) is None


def test_attention_pools_in_six_heads_or_as_many_as_the_width_allows() -> None:
    assert {width: pool_heads(width) for width in (384, 768, 512, 20, 10, 7)} == {
        384: 6, 768: 6, 512: 8, 20: 4, 10: 2, 7: 1,
    }  # fmt: skip
