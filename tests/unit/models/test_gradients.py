"""Integrated gradients: they add up, what they miss is told, and it is what is served."""

from pathlib import Path

import pytest

from models.data import LABELS
from models.explain import TOLERANCE, as_json
from models.gradients import NetworkExplainer, artifact_explainer
from models.metrics import PLAIN, Scale, softmax
from models.scorers import open_scorer
from models.words import word_spans
from tests.tiny_encoder import tiny_artifact
from tests.unit.models.tiny import PAD, TinyScorer, pieces, tiny_network

TEXT = "Bolt misses estimates while Acme, up 4.5%, soars"


@pytest.mark.parametrize("scale", [PLAIN, Scale(2.0), Scale(1.5, 1.8)])
def test_gradients_add_up_to_the_log_odds_they_explain(scale: Scale) -> None:
    network = tiny_network()
    scorer = TinyScorer(network, scale)
    explainer = NetworkExplainer(network, pieces, PAD, scorer, most=128)
    found = explainer.explain(TEXT, ["Bolt", "Acme"])
    assert [(one.task, one.about) for one in found] == [
        ("sentiment", None),
        ("topic", None),
        ("entity_sentiment", "Bolt"),
        ("entity_sentiment", "Acme"),
    ]
    for one in found:
        logits = scorer.logits(one.task, [(TEXT, one.about)])
        chances = softmax(logits, scale)[0]
        assert list(one.probabilities.values()) == pytest.approx(chances.tolist(), abs=1e-5)
        nothing = _log_odds_of_nothing(network, one.task, one.about, one.label, scale)
        assert one.missed is not None
        assert abs(one.missed) < TOLERANCE
        assert one.rest == pytest.approx(nothing, abs=1e-3)


def test_what_too_few_steps_miss_is_told_apart_from_the_rest() -> None:
    network = tiny_network(seed=2)
    # so cold that the log odds turn round on the way
    scorer = TinyScorer(network, Scale(0.05))
    few, more = (
        NetworkExplainer(network, pieces, PAD, scorer, 2, most).explain(TEXT) for most in (0, 128)
    )
    for rough, fine in zip(few, more, strict=True):
        assert rough.missed is not None
        assert fine.missed is not None
        assert abs(rough.missed) > 2 * TOLERANCE > TOLERANCE > abs(fine.missed)
        assert rough.rest == pytest.approx(fine.rest, abs=1e-3)
        # a chance of nearly one no longer tells its odds
        nothing = _log_odds_of_nothing(network, fine.task, None, fine.label, Scale(0.05))
        assert rough.rest == pytest.approx(nothing, abs=1e-3)
    told = as_json("v", TEXT, few)["tasks"]["topic"]
    assert told["missed"] == pytest.approx(few[1].missed, abs=1e-6)


def _log_odds_of_nothing(
    network: object, task: str, about: str | None, label: str, scale: Scale
) -> float:
    """Of the same text with every token a padding one but the two at the ends."""
    import torch

    from models.gradients import _copies, log_odds

    cut = pieces(TEXT, [about] if about else [])
    inputs = _copies(cut, 1, torch.device("cpu"))
    inputs.ids[0, 1:-1] = PAD
    with torch.no_grad():
        logits = scale.applied(network(inputs).logits[task][0])  # type: ignore[operator]
    return float(log_odds(logits, LABELS[task].index(label)))


def test_attention_is_shared_out_among_the_words_and_the_ends_of_the_text() -> None:
    network = tiny_network()
    for one in NetworkExplainer(network, pieces, PAD, TinyScorer(network)).explain(TEXT):
        shares = [word.attention for word in one.words]
        assert all(share is not None and share >= 0 for share in shares)
        assert 0.3 < sum(share for share in shares if share is not None) < 1
        assert [word.text for word in one.words] == [TEXT[a:b] for a, b in word_spans(TEXT)]


def test_an_artifact_is_explained_as_it_is_served(tmp_path: Path) -> None:
    tiny_artifact(tmp_path / "artifact", tmp_path / "base")
    scorer = open_scorer(str(tmp_path / "artifact"), str(tmp_path / "base"), runtime="onnx-fp32")
    explainer = artifact_explainer(tmp_path / "artifact", str(tmp_path / "base"), scorer, steps=32)
    text = "Acme Corp shares plunge, Bolt up"
    found = explainer.explain(text, ["Acme Corp", "Bolt"])
    assert [one.about for one in found] == [None, None, "Acme Corp", "Bolt"]
    for one in found:
        logits = scorer.logits(one.task, [(text, one.about)])
        chances = softmax(logits, scorer.scale(one.task))[0]
        assert list(one.probabilities.values()) == pytest.approx(chances.tolist(), abs=1e-3)
        assert [word.text for word in one.words] == ["Acme", "Corp", "shares", "plunge", ",",
                                                     "Bolt", "up"]  # fmt: skip
        assert any(word.attribution for word in one.words)
    # beyond one window as it is served too: all windows at once
    long = "Acme bad good day, " * 24 + "Bolt up"
    for one in explainer.explain(long, ["Bolt", "Acme"]):
        chances = softmax(scorer.logits(one.task, [(long, one.about)]), scorer.scale(one.task))[0]
        assert list(one.probabilities.values()) == pytest.approx(chances.tolist(), abs=1e-3)
        assert one.whole
        assert one.named
        if one.about is None:
            assert all(word.attribution for word in one.words if word.text != ",")
    # what is not read is worth nothing
    (longest, *_) = explainer.explain("Acme bad good day " * 100)
    assert not longest.whole
    assert all(word.attribution == 0 for word in longest.words if word.start > (longest.read or 0))
    (*_, absent) = explainer.explain(text, ["Zeta"])
    assert not absent.named
    assert explainer.explain("\u200b") == []
