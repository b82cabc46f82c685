"""The classifier at work: order, neighbours, windows, memory."""

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from models.artifact import Artifact, load
from models.classifier import AttentionClassifier
from models.merging import sign_bits
from models.openvino_runtime import multiplies_bf16
from models.pooling import Pooled
from models.runtimes import OnnxRuntime, OutOfMemory, Runtime, chosen
from models.windows import MOST_WINDOWS, windows_of
from pipeline.documents import SubjectId
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput
from tests.tiny_encoder import tiny_artifact

ACME, BOLT = SubjectId("ACME"), SubjectId("BOLT")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("model")
    tiny_artifact(folder / "artifact", folder / "base")
    return load(folder / "artifact", str(folder / "base"))


@pytest.fixture(scope="module")
def classifier(artifact: Artifact) -> AttentionClassifier:
    return AttentionClassifier(artifact, OnnxRuntime(artifact, quantised=False, threads=1))


def asked(text: str, title: str = "", **names: str) -> ClassifierInput:
    mentions = {SubjectId(subject.upper()): (name,) for subject, name in names.items()}
    return ClassifierInput(title=title, text=text, lang="en", mentions=mentions)


def test_answers_come_in_the_order_of_the_texts(
    artifact: Artifact, classifier: AttentionClassifier
) -> None:
    texts = [asked("shares plunge " * (1 + number % 5) + str(number % 3)) for number in range(40)]
    small = AttentionClassifier(artifact, OnnxRuntime(artifact, False, 1), token_budget=40, chunk=7)
    one_by_one = [classifier.classify([text])[0] for text in texts]
    for answer, alone in zip(small.classify(texts), one_by_one, strict=True):
        assert answer.topic == alone.topic
        assert answer.sentiment is not None
        assert alone.sentiment is not None
        assert answer.sentiment.negative == pytest.approx(alone.sentiment.negative, abs=1e-4)
    small.close()


def test_a_text_behind_a_page_of_blanks_is_read(classifier: AttentionClassifier) -> None:
    plain, behind = classifier.classify(
        [asked("Shares fell"), asked("\n " * 5_000 + "Shares fell")]
    )
    assert behind.reason is None
    assert behind.sentiment == plain.sentiment


def test_empty_and_endless_texts_harm_no_neighbour(classifier: AttentionClassifier) -> None:
    plain = asked("acme said profit fell")
    odd = [
        asked(""),
        asked(" \n"),
        asked("x" * 400_000),
        asked("\ud800 fell"),
        asked("", title="!"),
    ]
    answers = classifier.classify([plain, *odd, plain])
    (alone,) = classifier.classify([plain])
    for answer in (answers[0], answers[-1]):
        assert answer.topic == alone.topic
        assert answer.topic_probability == pytest.approx(alone.topic_probability, abs=1e-5)
    assert [answer.reason for answer in answers[1:3]] == ["empty text", "empty text"]
    assert answers[1].sentiment is None
    assert all(answer.sentiment is not None for answer in answers[3:6])


def test_no_texts_no_answers(classifier: AttentionClassifier) -> None:
    assert classifier.classify([]) == []


def test_each_company_has_a_sentiment_of_its_own(classifier: AttentionClassifier) -> None:
    (answer,) = classifier.classify([asked("acme up , bolt down", acme="acme", bolt="bolt")])
    assert set(answer.subject_sentiments) == {ACME, BOLT}
    assert answer.subject_sentiments[ACME] != answer.subject_sentiments[BOLT]


def test_probabilities_sum_to_one_and_carry_the_version(classifier: AttentionClassifier) -> None:
    (answer,) = classifier.classify([asked("strong news")])
    assert answer.sentiment is not None
    assert sum(
        (answer.sentiment.negative, answer.sentiment.neutral, answer.sentiment.positive)
    ) == pytest.approx(1.0)
    assert answer.model_version == classifier.version
    assert 0.05 < answer.topic_probability <= 1.0


def test_a_long_text_is_read_in_windows_the_headline_weighing_half(artifact: Artifact) -> None:
    text = "acme good . " * 40 + "bolt bad"
    windows = windows_of(artifact.tokenizer, [text], [[("acme",), ("bolt",)]], 16)
    assert len(windows) == MOST_WINDOWS
    assert [len(one.encoded.ids) for one in windows] == [16] * MOST_WINDOWS
    assert windows[0].weight == 0.5
    assert sum(one.weight for one in windows) == pytest.approx(1.0)
    # what is named only beyond the last window is asked about with all that is read
    assert all(one.companies == (0, 1) for one in windows)


def test_a_company_the_text_does_not_name_is_asked_about_with_all_of_it(
    artifact: Artifact, classifier: AttentionClassifier
) -> None:
    (window,) = windows_of(artifact.tokenizer, ["profit fell"], [[("acme",)]], 16)
    assert window.encoded.mentions == ((1, 2),)
    (answer,) = classifier.classify([asked("profit fell", acme="ACME")])
    assert set(answer.subject_sentiments) == {ACME}


class Cramped:
    """A device with room for two texts."""

    name, device = "cramped", "cuda:0"

    def __init__(self, inner: Runtime) -> None:
        self.inner = inner
        self.sizes: list[int] = []

    def run(
        self, ids: np.ndarray, mask: np.ndarray, rows: np.ndarray, mentions: np.ndarray
    ) -> Pooled:
        self.sizes.append(len(ids))
        if len(ids) > 2:
            raise OutOfMemory
        return self.inner.run(ids, mask, rows, mentions)


def test_out_of_memory_halves_the_batch_and_goes_on(
    artifact: Artifact, classifier: AttentionClassifier
) -> None:
    cramped = Cramped(OnnxRuntime(artifact, False, 1))
    tight = AttentionClassifier(artifact, cramped)
    texts = [asked("acme fell", acme="acme"), asked("bolt up"), asked("dull"), asked("news")]
    answers = tight.classify(texts)
    assert [one.topic for one in answers] == [one.topic for one in classifier.classify(texts)]
    assert set(answers[0].subject_sentiments) == {ACME}
    assert cramped.sizes == [4, 2, 2]
    tight.close()


def test_a_text_that_fails_alone_says_so(artifact: Artifact) -> None:
    class Full(Cramped):
        def run(self, *_: np.ndarray) -> Pooled:
            raise OutOfMemory("no room at all")

    full = AttentionClassifier(artifact, Full(OnnxRuntime(artifact, False, 1)))
    with pytest.raises(OutOfMemory, match="no room at all"):
        full.classify([asked("acme fell")])
    full.close()


def furthest(one: AttentionClassifier, other: AttentionClassifier) -> float:
    """How far their chances of a negative sentiment lie apart, at most."""
    texts = [asked(f"acme {word} {end}") for word in ("up", "down", "fell") for end in "abcdef"]
    pairs = zip(one.classify(texts), other.classify(texts), strict=True)
    return max(
        abs(a.sentiment.negative - b.sentiment.negative)
        for a, b in pairs
        if a.sentiment and b.sentiment
    )


def test_eight_bits_nearly_always_agree(
    artifact: Artifact, classifier: AttentionClassifier
) -> None:
    quick = AttentionClassifier(artifact, chosen(artifact, "onnx-int8", threads=1))
    assert furthest(classifier, quick) < 0.15
    assert (quick.runtime, quick.device) == ("onnx-int8", "cpu")
    quick.close()


def test_bfloat16_agrees_where_the_processor_multiplies_it(
    artifact: Artifact, classifier: AttentionClassifier
) -> None:
    if not multiplies_bf16():
        with pytest.raises(ConfigurationError, match="openvino-bf16: needs"):
            chosen(artifact, "openvino-bf16")
        assert chosen(artifact).name == "onnx-int8"
        return
    quick = AttentionClassifier(artifact, chosen(artifact, threads=1))
    assert furthest(classifier, quick) < 0.05
    assert (quick.runtime, quick.device) == ("openvino-bf16", "cpu")
    quick.close()


def test_openvino_is_loaded_without_its_telemetry(tmp_path: Path) -> None:
    program = (
        "import sys; from models.openvino_runtime import multiplies_bf16; multiplies_bf16();"
        "print('openvino' in sys.modules, [n for n in sys.modules if 'openvino_telemetry.' in n])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stdout.split(maxsplit=1)[1] == "[]\n", done.stderr
    assert list(tmp_path.iterdir()) == [], "an identity was written for the reports"


def test_the_fastest_by_the_clock_is_chosen(artifact: Artifact) -> None:
    ticks = count()
    # every pass takes as long: the first of those this machine can run
    quick = chosen(artifact, "fastest", clock=lambda: float(next(ticks)))
    assert quick.name == chosen(artifact).name


def test_an_unknown_runtime_names_the_setting(artifact: Artifact) -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL_RUNTIME='fast'"):
        chosen(artifact, "fast")


def test_stories_get_the_signs_of_their_vectors(classifier: AttentionClassifier) -> None:
    full, empty = classifier.answers([asked("acme fell"), asked("")])
    assert full.embedding is not None
    assert len(full.embedding) == 1
    assert empty.embedding is None


def test_the_signs_of_a_story_are_those_of_its_numbers_in_order() -> None:
    stories = np.random.default_rng(1).normal(size=(9, 90)).astype(np.float32)
    stories[3, 5] = 0.0
    for story in stories:
        bits = "".join("1" if value > 0 else "0" for value in story) + "0" * 6
        assert sign_bits(story) == int(bits, 2).to_bytes(12, "big")
    assert sign_bits([]) == b""


def test_answers_to_many_texts_are_those_to_each_also_with_empty_ones_between(
    classifier: AttentionClassifier,
) -> None:
    texts = [
        asked(""),
        asked("acme falls", acme="acme"),
        asked("", acme="acme"),
        asked("bolt rises as acme falls", bolt="bolt", acme="acme"),
    ]
    together = classifier.classify(texts)
    assert [one.reason for one in together] == ["empty text", None, "empty text", None]
    for answer, text in zip(together, texts, strict=True):
        (alone,) = classifier.classify([text])
        assert (answer.topic, answer.reason) == (alone.topic, alone.reason)
        assert list(answer.subject_sentiments) == list(alone.subject_sentiments)
        for subject, sentiment in answer.subject_sentiments.items():
            other = alone.subject_sentiments[subject]
            assert sentiment.negative == pytest.approx(other.negative, abs=1e-4)
    assert list(together[3].subject_sentiments) == [BOLT, ACME]
