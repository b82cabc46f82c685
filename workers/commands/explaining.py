"""`bellwether model explain` and `card`: why the classifier says what it says, what it is."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import ConfigurationError
from workers.commands.modelling import Html, Model
from workers.commands.terminal import AsJson, command_settings, note, say, say_json

if TYPE_CHECKING:
    from models.explain import Explainer, Explanation

# Words weaker than this share of the strongest stay without colour.
_FAINT = 0.15


def explain(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="One text to explain.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="JSONL of texts: what drives each class.")
    ] = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(help="A name to ask about; repeatable. Else the companies it names."),
    ] = None,
    most: Annotated[int, typer.Option(help="Texts of FILE to read at most.", min=1)] = 500,
    deletion: Annotated[
        bool, typer.Option("--deletion", help="With --file: delete the words, measure the fall.")
    ] = False,
    model: Model = "",
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Which words made the classifier call a text what it does, or each class of a file.

    The number of a word is what it adds to the log odds of the class called. In the terminal
    blue speaks for that class, orange against it.
    """
    if bool(text.strip()) == (file is not None):
        raise ConfigurationError("explain takes one TEXT, or --file FILE")
    if entity and not all(name.strip() for name in entity):
        raise ConfigurationError("--entity: a name is needed")
    from models.explain import MOST_STEPS, TOLERANCE

    explainer = _explainer(model, 0 if file is not None else MOST_STEPS)
    if file is not None:
        _explain_file(explainer, file, most, deletion, html, as_json)
        return
    from models.data import readable, well_formed
    from models.explain import as_json as explained_json
    from models.explanation_page import text_page

    asked = [well_formed(name) for name in entity or ()]
    found = explainer.explain(text, asked or _named(readable(text)))
    if not found:
        raise ConfigurationError(f"{explainer.version} has no answer to this text: no model for it")
    _write(html, text_page(explainer.version, found))
    if as_json:
        say_json(explained_json(explainer.version, text, found))
        return
    if not found[0].whole:
        note(
            f"the first {found[0].read} of {len(found[0].text)} characters are explained: no more "
            "is read of a text"
        )
    for one in found:
        about = f" towards {one.about}" if one.about else ""
        if not one.named:
            about += " (the text does not name it: as the whole text)"
        say(f"{one.task}{about}: {one.label} {one.probability:.1%}")
        say(f"  {_coloured(one)}")
        worth = ", ".join(f"{word.text} {word.attribution:+.2f}" for word in one.strongest(6))
        short = one.missed is not None and abs(one.missed) >= TOLERANCE
        missed = f", whose steps miss {one.missed:+.2f}" if short else ""
        say(f"  {worth or 'no word speaks for it'}  ({one.method}{missed})")


def card(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An artifact.")],
    measure: Annotated[
        list[Path] | None,
        typer.Option(help="Measure it on this labelled file first; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
) -> None:
    """The model card of an artifact: use, data, figures, failures, training, checksums.

    With --measure the figures and the card become part of the artifact, its checksums renewed;
    its version stays, for no answer changes.
    """
    from models.card import CARD, card_of
    from models.evaluation_page import write_text

    if measure:
        note(f"written: {folder / CARD}, version {carded(folder, measure)}")
    text = card_of(folder)
    if out is not None:
        note(f"written: {write_text(out, text)}")
    elif not measure:
        say(text.rstrip())


def carded(folder: Path, measure: list[Path], base: str = "") -> str:
    """Measure the artifact on each file, if any, put figures and card into it, and renew its
    checksums; its version. It stands on the encoder in `base`, or the one of the settings."""
    from models.artifact_files import seal
    from models.card import CARD, card_of, measured_into
    from models.evaluation_page import write_text
    from models.load import load_artifact_classifier

    if measure:
        settings = command_settings()
        # what lies there, even where the folder is called as a model is
        classifier = load_artifact_classifier(
            folder, base or settings.model_base, settings.model_runtime
        )
        measured_into(folder, classifier, measure)
    write_text(folder / CARD, card_of(folder))
    return seal(folder)


def _explain_file(
    explainer: "Explainer",
    file: Path,
    most: int,
    deletion: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    from models.explain import drivers
    from models.explanation_page import drivers_page
    from models.texts import some_texts

    texts = list(islice(some_texts(file), most))
    each = [explainer.explain(text) for text in texts]
    found = [one for some in each for one in some]
    silent = sum(not some for some in each)
    by_class = drivers(found)
    curves = _curves(explainer, found) if deletion else {}
    _write(html, drivers_page(explainer.version, len(texts) - silent, by_class))
    if as_json:
        told: dict[str, Any] = {
            "model": explainer.version,
            "texts": len(texts) - silent,
            "unanswered": silent,
            "drivers": by_class,
        }
        say_json({**told, "deletion": curves} if deletion else told)
        return
    unread = f", {silent} more without an answer (no model for them)" if silent else ""
    say(f"{explainer.version}: {len(texts) - silent} texts{unread}")
    for task, classes in by_class.items():
        for label, words in classes.items():
            shown = ", ".join(f"{one.word} {one.attribution:+.2f}" for one in words)
            say(f"{task} {label}: {shown}")
    for task, curve in curves.items():
        for step in curve:
            say(
                f"{task}: {step['share']:.0%} of the words deleted, the probability falls by "
                f"{step['top']:.3f}; random words {step['random']:.3f}"
            )


def _curves(explainer: "Explainer", found: "list[Explanation]") -> dict[str, list[Any]]:
    from models.faithfulness import as_json, deletion_curve

    tasks = dict.fromkeys(one.task for one in found)
    return {
        task: as_json(deletion_curve(explainer.scorer, [one for one in found if one.task == task]))
        for task in tasks
    }


def _explainer(model: str, most_steps: int) -> "Explainer":
    from models.scorers import open_explainer

    settings = command_settings()
    return open_explainer(
        model or settings.model_measured,
        settings.model_base,
        settings.model_labels,
        settings.model_languages,
        settings.model_runtime,
        most_steps,
    )


def _named(text: str) -> list[str]:
    """The companies of the catalogue the text names, as it names them."""
    from pipeline.catalogue import load_catalogue
    from pipeline.documents import Document
    from pipeline.subjects import CatalogueLinker

    settings = command_settings()
    linker = CatalogueLinker(load_catalogue(Path(settings.subjects) if settings.subjects else None))
    linked = linker.read(Document(source="explain", published_at=datetime.now(UTC), text=text))
    return [names[0] for names in linked.mentions.values() if names]


def _write(html: Path | None, page: str) -> None:
    from models.evaluation_page import write_text

    if html is not None:
        note(f"written: {write_text(html, page)}")


def _coloured(one: "Explanation") -> str:
    """The text with its words on coloured ground, as strong as they spoke."""
    from models.explanation_page import AGAINST, FOR, shades

    parts, at = [], 0
    for word, shade in zip(one.words, shades(one), strict=True):
        parts.append(one.text[at : word.start])
        if abs(shade) < _FAINT:
            parts.append(word.text)
        else:
            # towards white as it gets weaker; dark letters stay readable on all of them
            red, green, blue = (
                round(255 - abs(shade) * 0.7 * (255 - part))
                for part in (FOR if shade > 0 else AGAINST)
            )
            parts.append(typer.style(word.text, fg=(20, 20, 20), bg=(red, green, blue)))
        at = word.end
    return "".join(parts) + one.text[at:]
