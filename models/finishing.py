"""From a trained network to a sealed artifact, measured as it will be read.

It is made in a folder within its own, and put in place when it is whole: a run that is killed
before leaves what was there.
"""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.answers import score_of
from models.artifact import load, read_about, save
from models.artifact_files import METRICS, REFERENCE, put_in_place, seal, version_of
from models.corpus import Corpus, corpus_of, unlike
from models.data import LABELS, Example
from models.encoder import Base
from models.encoding import Encoded
from models.graph import BertShape
from models.network import Network, tensors_of, torch_network
from models.network_shape import HEADS
from models.ranging import measured_ranges
from models.recipe import Recipe
from models.training import scales_of
from pipeline.errors import ConfigurationError

log = logging.getLogger(__name__)

# Of fewer texts a temperature says more about the texts than about the network.
FEWEST_TO_CALIBRATE = 200
# Within the artifact's folder: beside it may be another file system, or not ours to write to.
_NEW = ".new"


def writable(folder: Path) -> None:
    """Make the artifact's folder now: hours later it is too late to say that it cannot be, or not
    be written to. Raises `ConfigurationError`."""
    try:
        _begun(folder).rmdir()
    except OSError as error:
        raise ConfigurationError(f"--out {folder}: cannot be made: {error.strerror}") from error


def _begun(folder: Path) -> Path:
    """An empty folder to make the artifact in; what a run that was killed left in it is gone."""
    new = folder / _NEW
    if new.is_dir():
        shutil.rmtree(new)
    new.mkdir(parents=True)
    return new


def written(
    folder: Path,
    network: Network,
    base: Base,
    about: Mapping[str, Any],
    recipe: Recipe,
    corpus: Corpus,
    held: Corpus,
    told: Mapping[str, Any],
) -> str:
    """Write the artifact in two steps: the weights in few bits, then what is measured on the
    network *as it will be read*: scales and development figures on `held`, and how far its
    activations reach on `corpus`. What lies in `folder` stays until all of it is there; the
    version."""
    place, folder = folder, _begun(folder)
    names = {"temperatures": dict.fromkeys(HEADS, 1.0), **about}
    save(folder, tensors_of(network), base, names, recipe.bits)
    seal(folder)
    read = load(folder, str(base.folder))
    shipped = torch_network(read)
    bert = BertShape.of(base.config)
    ranges = measured_ranges(read.encoder, bert, _some(corpus), read.pad) if bert else {}
    known = _calibration(held, corpus, base, recipe)
    scales = scales_of(shipped, known, base.pad, FEWEST_TO_CALIBRATE)
    for task in HEADS:
        if task not in scales:
            log.warning(
                "%s: fewer than %d labels are held back, its scale stays as it began",
                task,
                FEWEST_TO_CALIBRATE,
            )
    # a task with hardly a label in these texts keeps the scale it began with
    temperatures = {task: round(one.temperature, 4) for task, one in scales.items()}
    names["temperatures"] = {**about.get("temperatures", {}), **temperatures}
    powers = {task: round(one.power, 1) for task, one in scales.items()}
    names["powers"] = {**about.get("powers", {}), **powers}
    save(folder, tensors_of(network), base, names, recipe.bits, ranges)
    figures = {"development": score_of(shipped, held, base.pad), **told}
    (folder / METRICS).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    _refer(folder, base, held.examples, corpus.examples)
    return put_in_place(folder, place)


def _calibration(held: Corpus, corpus: Corpus, base: Base, recipe: Recipe) -> Corpus:
    """`held`, near-copies of texts of `corpus` counting half: they are answered as surely as what
    is known by heart, and are rarer among tomorrow's texts than among those a hash holds back."""
    apart = unlike(held.examples, corpus.examples)
    if len(apart) < FEWEST_TO_CALIBRATE:
        return held
    return corpus_of([*held.examples, *apart], base.tokenizer, recipe.window)


def _some(corpus: Corpus) -> list[Encoded]:
    """Every so many of the texts: enough to know how far activations reach."""
    return list(corpus.encoded[:: max(1, len(corpus) // 400)])


def _refer(folder: Path, base: Base, held: Sequence[Example], training: Sequence[Example]) -> None:
    """Add the reference distribution (answers to texts that were held back, words of all), and
    seal the folder."""
    from models.classifier import AttentionClassifier
    from models.drift import reference_json, reference_of
    from models.runtimes import chosen

    seal(folder)
    artifact = load(folder, str(base.folder))
    classifier = AttentionClassifier(artifact, chosen(artifact))
    try:
        made = reference_of(classifier, [one.text for one in held], [one.text for one in training])
    finally:
        classifier.close()
    (folder / REFERENCE).write_text(reference_json(made), "utf-8")
    version = seal(folder)
    if version != version_of(folder) or read_about(folder).labels.keys() != LABELS.keys():
        raise RuntimeError(f"{folder}: the artifact does not read back as it was written")
