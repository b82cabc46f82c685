"""Training on a tiny encoder: it learns, it repeats itself, and it can be taken up again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.answers import macro_f1, score_of
from models.checkpoints import load_checkpoint
from models.corpus import Corpus, batches, class_weights, corpus_of, divided, widened
from models.data import Example
from models.encoder import read_base, torch_encoder
from models.network import Inputs, Network, Outputs
from models.optimizing import cycles_ended, optimizer_of, running_mean
from models.recipe import Recipe
from models.training import Targets, Training
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import SHAPE, tiny_base

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

RECIPE = Recipe(
    train=("a",),
    epochs=2,
    batch_texts=8,
    learning_rate=2e-3,
    head_learning_rate=5e-3,
    window=24,
    patience=9,
    average=0.9,
)


def examples() -> list[Example]:
    found = []
    for number in range(48):
        bad = number % 2 == 0
        word = (
            ("fell", "weak", "bad", "down")[number % 4]
            if bad
            else ("rise", "strong")[number % 3 % 2]
        )
        label = "negative" if bad else "positive"
        topic = "Earnings" if number % 3 else "Macro"
        text = f"acme {word} {'profit' if number % 3 else 'news'} {number % 7}"
        found.append(Example(text, f"f:{number}", label, topic, (("acme", label),)))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    tiny_base(path)
    return path


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return corpus_of(examples(), read_base(folder).tokenizer, 24)


def network_on(folder: Path) -> Network:
    torch.manual_seed(1)
    return Network(torch_encoder(folder), SHAPE)


def trained(folder: Path, corpus: Corpus, recipe: Recipe, work: Path | None = None) -> Network:
    network = network_on(folder)
    Training(network, recipe, 0, work).run(corpus, corpus)
    return network


def same(one: Network, other: Network) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_what_there_is_to_learn_and_leaves_word_vectors_alone(
    folder: Path, corpus: Corpus
) -> None:
    network = network_on(folder)
    words = network.encoder.get_input_embeddings().weight.clone()
    before = score_of(network, corpus, 0)["sentiment/accuracy"]
    Training(network, replace(RECIPE, epochs=25), 0).run(corpus, corpus)
    figures = score_of(network, corpus, 0)
    assert figures["sentiment/accuracy"] > max(0.9, before)
    assert figures["entity_sentiment/accuracy"] > 0.9
    assert torch.equal(words, network.encoder.get_input_embeddings().weight)


def test_the_same_seed_gives_the_same_weights(folder: Path, corpus: Corpus) -> None:
    assert same(trained(folder, corpus, RECIPE), trained(folder, corpus, RECIPE))


def test_an_interrupted_run_goes_on_as_it_would_have(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    def interrupt(step: int, _: int) -> None:
        if step == 8:
            raise Stop

    recipe = replace(RECIPE, cycles=(1, 1), average_cycles=True)
    with pytest.raises(Stop):
        Training(network_on(folder), recipe, 0, tmp_path).run(corpus, corpus, None, interrupt)
    taken_up = trained(folder, corpus, recipe, tmp_path)
    assert same(taken_up, trained(folder, corpus, recipe))


def test_a_run_on_other_labels_or_from_other_weights_is_not_taken_up(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    trained(folder, corpus, replace(RECIPE, epochs=1), tmp_path)
    relabelled = replace(corpus.examples[0], sentiment="neutral")
    changed = replace(corpus, examples=(relabelled, *corpus.examples[1:]))
    with pytest.raises(ConfigurationError, match="other texts or another beginning"):
        trained(folder, changed, replace(RECIPE, epochs=1), tmp_path)
    network = network_on(folder)
    with torch.no_grad():
        network.story.bias.add_(1.0)
    with pytest.raises(ConfigurationError, match="other texts or another beginning"):
        Training(network, replace(RECIPE, epochs=1), 0, tmp_path).run(corpus, corpus)


@pytest.mark.parametrize("name", ["checkpoint.json", "checkpoint.safetensors"])
def test_a_checkpoint_that_cannot_be_read_is_named(
    folder: Path, corpus: Corpus, tmp_path: Path, name: str
) -> None:
    trained(folder, corpus, replace(RECIPE, epochs=1), tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigurationError, match="its checkpoint cannot be read"):
        trained(folder, corpus, replace(RECIPE, epochs=1), tmp_path)


def test_a_batch_without_a_label_costs_nothing(folder: Path) -> None:
    # batches are of like length: these texts have one of their own
    bare = [Example("acme", f"g:{number}") for number in range(24)]
    texts = corpus_of([*examples(), *bare], read_base(folder).tokenizer, 24)
    network = trained(folder, texts, replace(RECIPE, epochs=1, rdrop=0.5))
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())


def test_a_checkpoint_of_another_recipe_is_refused(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    trained(folder, corpus, replace(RECIPE, epochs=1), tmp_path)
    network = network_on(folder)
    with pytest.raises(ConfigurationError, match="holds a run of another recipe"):
        load_checkpoint(tmp_path, network, optimizer_of(network, RECIPE), None, {"epochs": 7})


@pytest.mark.parametrize(
    "switch",
    [
        {"rdrop": 1.0},
        {"fgm": 0.5},
        {"noise": 5.0},
        {"label_smoothing": 0.1, "class_weight_power": 0.5},
        {"precision": "bf16"},
        {"gradient_checkpointing": True},
    ],
)
def test_every_technique_runs(folder: Path, corpus: Corpus, switch: dict[str, object]) -> None:
    network = trained(folder, corpus, replace(RECIPE, epochs=1, **switch))  # type: ignore[arg-type]
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())


def test_teachers_are_listened_to(folder: Path, corpus: Corpus) -> None:
    said = {
        "sentiment": torch.tensor([[0.0, 1.0, 0.0]]).repeat(len(corpus), 1),
        "topic": torch.full((len(corpus), 20), 0.05),
        "entity_sentiment": torch.tensor([[0.0, 1.0, 0.0]]).repeat(len(corpus), 1),
    }
    network = network_on(folder)
    recipe = replace(RECIPE, epochs=4, teachers=("t",), teacher_weight=1.0)
    Training(network, recipe, 0).run(corpus, corpus, Targets(said))
    # the teachers say neutral of everything, whatever the labels are
    assert score_of(network, corpus, 0)["sentiment/accuracy"] < 0.3


def test_copies_of_a_text_stay_on_one_side() -> None:
    recipe = replace(RECIPE, development=0.3)
    twice = [*examples(), *examples()]
    train, development = divided(twice, recipe)
    assert {one.text for one in train}.isdisjoint(one.text for one in development)
    assert len(train) + len(development) == len(twice)


def test_a_fraction_is_the_same_texts_for_every_seed() -> None:
    third = replace(RECIPE, fraction=0.34)
    assert divided(examples(), third) == divided(examples(), replace(third, seed=9))


def test_labels_follow_from_labels_only_where_asked() -> None:
    headline = Example("Acme up", "f:1", entities=(("Acme", "positive"),))
    tweet = Example("$ACME down", "f:2", sentiment="negative")
    assert widened(headline, RECIPE) == headline
    assert widened(headline, replace(RECIPE, headline_sentiment=True)).sentiment == "positive"
    found = widened(tweet, replace(RECIPE, cashtag_entities=True)).entities
    assert found == (("$ACME", "negative"),)


def test_every_text_comes_once_an_epoch(corpus: Corpus) -> None:
    rows = [row for batch in batches(corpus, 7, 3) for row in batch]
    assert sorted(rows) == list(range(len(corpus)))


def test_rare_classes_weigh_more() -> None:
    weights = class_weights(torch.tensor([0, 1, 1, 1, 1, 2, 2, -100]), "sentiment", 0.5)
    assert weights[0] > weights[2] > weights[1]
    assert class_weights(torch.tensor([0, 1, 1]), "sentiment", 0.0).tolist()[:2] == [1.0, 1.0]


def test_cycles_end_where_they_end() -> None:
    recipe = replace(RECIPE, epochs=5, cycles=(2, 3))
    assert [cycles_ended(recipe, epochs) for epochs in range(6)] == [0, 0, 1, 1, 1, 2]
    mean = running_mean({}, {"a": torch.tensor([1.0])}, 1)
    assert running_mean(mean, {"a": torch.tensor([3.0])}, 2)["a"].item() == 2.0


def test_macro_f1_is_the_mean_over_classes_that_occur() -> None:
    assert macro_f1(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), 3) == pytest.approx(2 / 3)


def test_a_cycle_that_is_cut_short_keeps_the_moving_average(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    # judged by the opposite of what it learns, it only gets worse
    turned = {"negative": "positive", "positive": "negative"}
    opposite = [
        replace(
            one,
            sentiment=turned[str(one.sentiment)],
            entities=tuple((name, turned[said]) for name, said in one.entities),
        )
        for one in examples()
    ]
    held = corpus_of(opposite, read_base(folder).tokenizer, 24)
    recipe = replace(RECIPE, epochs=40, cycles=(40,), average_cycles=True, patience=2)
    network = network_on(folder)
    ended = Training(network, recipe, 0, tmp_path).run(corpus, held)
    assert len(ended.history) < 40
    # taken up again it has ended already
    again = network_on(folder)
    assert Training(again, recipe, 0, tmp_path).run(corpus, held) == ended
    assert same(network, again)
    kept = load_file(tmp_path / "checkpoint.safetensors")
    average = {
        name.removeprefix("average."): value
        for name, value in kept.items()
        if name.startswith("average.")
    }
    state = network.state_dict()
    assert average
    assert all(torch.equal(state[name], value) for name, value in average.items())


def far(one: Network, other: Network) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


class Small(Network):
    """A network on a device with room for four texts."""

    def on_embeddings(self, vectors: torch.Tensor, inputs: Inputs) -> Outputs:
        if self.training and len(vectors) > 4:
            raise torch.OutOfMemoryError("no room")
        return super().on_embeddings(vectors, inputs)


def test_a_batch_the_device_has_no_room_for_is_computed_in_parts(
    folder: Path, corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = replace(RECIPE, epochs=1, dropout=0.0)
    shape = replace(SHAPE, dropout=0.0)
    ends, told = [], []

    def report(name: str, value: float, step: int) -> None:
        if (name, step) == ("loss", 0):
            told.append(value)

    for kind in (Network, Small):
        torch.manual_seed(1)
        network = kind(torch_encoder(folder), shape)
        network.encoder.config.hidden_dropout_prob = 0.0
        for part in network.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        with caplog.at_level("WARNING"):
            Training(network, recipe, 0, report=report).run(corpus, corpus)
        ends.append(network)
    assert caplog.text.count("out of memory") == 1
    assert far(*ends) < 1e-3
    # a part counts for its share of the batch
    assert told[0] == pytest.approx(told[1], rel=1e-4)
