"""A Hugging Face classifier behind the port: a tiny random one, made here, no network."""

from pathlib import Path
from typing import Any

import pytest

from models.load import load_classifier
from models.transformer import TransformerClassifier
from pipeline.documents import Classification
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

WORDS = "shares plunge rise after the company said profit fell strong weak news in a day".split()
LABELS = {0: "negative", 1: "neutral", 2: "positive"}


def saved(folder: Path, labels: dict[int, str] = LABELS, safe: bool = True) -> Path:
    """A two-layer BERT with random weights, with its tokenizer, in `folder`."""
    import torch
    import transformers

    made: Any = transformers
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS,
        *"abcdefghijklmnopqrstuvwxyz",
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = made.BertTokenizerFast(str(folder / "vocab.txt"))
    torch.manual_seed(1)
    config = made.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
        initializer_range=0.6,
    )
    model = made.BertForSequenceClassification(config)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    if not safe:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    return folder


@pytest.mark.parametrize("left", ["", "one word"])
def test_a_model_without_its_tokenizer_is_refused(tmp_path: Path, left: str) -> None:
    """The library would make one up that knows no word, and every text would read alike."""
    folder = saved(tmp_path / "model")
    for path in folder.iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    if left:
        (folder / "vocab.txt").write_text("[UNK]\n[PAD]\nprofit\n")
    with pytest.raises(ConfigurationError, match="tokenizer"):
        TransformerClassifier.load(str(folder))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[]"),
        ("tokenizer_config.json", "[]"),
        ("config.json", '{"model_type": "bert", "num_attention_heads": 0, "hidden_size": "x"}'),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused_in_one_line(
    tmp_path: Path, name: str, content: str
) -> None:
    folder = saved(tmp_path / "model")
    (folder / name).write_text(content)
    with pytest.raises(ConfigurationError, match="cannot be used") as raised:
        TransformerClassifier.load(str(folder))
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model"))


def inputs(*texts: str, lang: str = "en") -> list[ClassifierInput]:
    return [ClassifierInput(title="", text=text, lang=lang, mentions={}) for text in texts]


def close(one: Classification, other: Classification) -> bool:
    first, second = one.sentiment, other.sentiment
    assert first is not None
    assert second is not None
    return all(
        abs(getattr(first, name) - getattr(second, name)) < 1e-5
        for name in ("negative", "neutral", "positive")
    )


def test_a_directory_serves_through_the_port(folder: Path) -> None:
    classifier = load_classifier(str(folder))
    answers = classifier.classify(inputs("shares plunge", "profit strong"))
    for answer in answers:
        sentiment = answer.sentiment
        assert sentiment is not None
        total = sentiment.negative + sentiment.neutral + sentiment.positive
        assert abs(total - 1) < 1e-5
        assert answer.model_version == classifier.version
    assert not close(*answers), "two texts got one answer: the model was not asked"


def test_answers_are_those_of_the_model_itself_in_the_order_asked(folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    texts = [" ".join(WORDS[: 1 + place % 11]) for place in range(40)]
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    small_batches = TransformerClassifier.load(str(folder)).with_token_budget(40)
    for text, answer in zip(texts, small_batches.classify(inputs(*texts)), strict=True):
        with torch.inference_mode():
            alone = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert answer.sentiment is not None
        assert abs(answer.sentiment.negative - alone[0]) < 1e-4
        assert abs(answer.sentiment.positive - alone[2]) < 1e-4


def test_an_empty_or_huge_text_does_not_harm_its_neighbours(folder: Path) -> None:
    classifier = load_classifier(str(folder))
    (alone,) = classifier.classify(inputs("shares plunge after the news"))
    empty, huge, odd, neighbour = classifier.classify(
        inputs("", "plunge " * 70_000, "\ud800\u0007", "shares plunge after the news")
    )
    assert (empty.sentiment, empty.reason) == (None, "empty text")
    assert huge.sentiment is not None
    assert odd.sentiment is not None
    assert close(neighbour, alone)


def test_text_in_a_language_the_model_does_not_read_is_not_guessed(folder: Path) -> None:
    classifier = load_classifier(str(folder), languages=("zh",))
    (answer,) = classifier.classify(inputs("shares plunge"))
    assert (answer.sentiment, answer.reason) == (None, "no model for 'en'")


def test_the_topic_comes_from_the_baseline(folder: Path) -> None:
    (answer,) = load_classifier(str(folder)).classify(inputs("Board declares quarterly dividend"))
    assert answer.topic == "Dividend"


def test_the_label_map_changes_the_answers_and_the_version(folder: Path) -> None:
    plain = load_classifier(str(folder))
    turned = load_classifier(str(folder), labels="negative=positive,positive=negative")
    (one,), (other,) = (model.classify(inputs("shares plunge")) for model in (plain, turned))
    assert one.sentiment is not None
    assert other.sentiment is not None
    assert one.sentiment.negative == other.sentiment.positive
    assert plain.version != turned.version


def test_the_version_is_that_of_the_weights_not_of_the_folder(folder: Path, tmp_path: Path) -> None:
    again = load_classifier(str(folder))
    assert again.version == load_classifier(str(folder)).version
    other = saved(tmp_path / folder.name)
    assert load_classifier(str(other)).version == again.version


def test_one_saved_in_half_precision_is_computed_in_full(folder: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    made: Any = transformers
    half, full = (saved(tmp_path / name / "model") for name in ("half", "full"))
    model = made.BertForSequenceClassification.from_pretrained(folder).half()
    model.save_pretrained(half)
    model.to(torch.float32).save_pretrained(full)
    one, other = (load_classifier(str(each)) for each in (half, full))
    assert one.version == other.version
    asked = inputs("shares plunge", "profit strong")
    assert [each.sentiment for each in one.classify(asked)] == [
        each.sentiment for each in other.classify(asked)
    ]


def test_unnamed_classes_are_refused_until_they_are_named(tmp_path: Path) -> None:
    unnamed = saved(tmp_path / "unnamed", {0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL_LABELS"):
        load_classifier(str(unnamed))
    load_classifier(str(unnamed), labels="LABEL_0=negative,LABEL_1=positive")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="safetensors"):
        load_classifier(str(saved(tmp_path / "pickled", safe=False)))


def test_a_directory_without_a_model_is_refused_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL=") as refused:
        load_classifier(str(tmp_path))
    assert "\n" not in str(refused.value)


def test_an_encoder_without_a_head_is_refused_not_given_a_random_one(tmp_path: Path) -> None:
    import transformers

    made: Any = transformers
    whole = saved(tmp_path / "encoder")
    made.BertModel.from_pretrained(whole).save_pretrained(tmp_path / "bare")
    (whole / "model.safetensors").write_bytes((tmp_path / "bare/model.safetensors").read_bytes())
    with pytest.raises(ConfigurationError, match="its weights lack classifier"):
        load_classifier(str(whole))


def test_damaged_weights_are_refused_with_one_line(tmp_path: Path) -> None:
    broken = saved(tmp_path / "broken")
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match="cannot be used") as refused:
        load_classifier(str(broken))
    assert "\n" not in str(refused.value)
