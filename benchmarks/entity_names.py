"""A catalogue of a user's own names: made from one half of labelled headlines, tried on the other.

    python -m benchmarks.entity_names [--data ../shared/data] [--json] [--wrong 40]

The names that `train` labels are written to a CSV file and read as `BELLWETHER_SUBJECTS`
would be, above the shipped catalogue; the links of `valid` to these names are compared with
its labels. A label that names the same thing in other words ("HUL Ltd" for HUL, "Era Infra
Engineering" for Era Infra) is counted right by `precision_named`, and wrong by
`precision_same`. `precision_held` looks only at places that are labelled with a name the
catalogue holds: a headline labels two of the five things it names. The labels also hold
"shares" and "market" now and then: of the names, `consistent` keeps those that `train` labels
in most of the headlines that hold them and that are no ordinary words; `all` keeps everything.
"""

import argparse
import csv
import json
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from pipeline.catalogue import load_catalogue, ordinary_words
from pipeline.documents import Document
from pipeline.subjects import CatalogueLinker

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
# Share of a name's headlines that are labelled with it, for it to be taken for a name.
_LABELLED = 0.8

# A headline and the names it is labelled with.
Headline = tuple[str, list[str]]


def headlines(data: Path, split: str) -> list[Headline]:
    path = data / "labelled" / f"headlines_entity_sentiment.{split}.jsonl"
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [(row["text"], list(row["entities"])) for row in rows]


def subject_of(name: str) -> str:
    return "name:" + re.sub(r"\W+", "-", name.lower()).strip("-")


class OwnNames:
    """A linker with a catalogue file of some names."""

    def __init__(self, names: dict[str, set[str]]) -> None:
        self.names = names
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "names.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file)
                rows.writerow(("id", "names"))
                rows.writerows((one, "|".join(sorted(forms))) for one, forms in names.items())
            self._linker = CatalogueLinker(load_catalogue(path))

    def found(self, text: str) -> dict[str, tuple[str, ...]]:
        """The names linked to, and what the text calls each."""
        document = Document(source="headlines", published_at=NOON, text=text)
        linked = self._linker.read(document)
        return {
            str(one.id): linked.mentions.get(one.id, ())
            for one in linked.subjects
            if str(one.id) in self.names
        }

    def is_named(self, subject: str, labels: Collection[str]) -> bool:
        """Whether a label says the same name in more or fewer words."""
        return any(
            name.lower() in label.lower() or label.lower() in name.lower()
            for name in self.names[subject]
            for label in labels
        )


def _places(text: str, said: str) -> list[tuple[int, int]]:
    """Where `said` stands in `text`, whatever its case."""
    return [found.span() for found in re.finditer(re.escape(said), text, re.IGNORECASE)]


def _overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    return any(one[0] < other[1] and other[0] < one[1] for one in some for other in others)


def score(own: OwnNames, rows: list[Headline], wrong: int = 0) -> dict[str, float]:
    made = same = named = wanted = held = 0
    for text, labels in rows:
        asked = {subject_of(label) for label in labels} & own.names.keys()
        found = own.found(text)
        right = found.keys() & asked
        made, wanted, same = made + len(found), wanted + len(asked), same + len(right)
        places = [at for one in labels if subject_of(one) in asked for at in _places(text, one)]
        held += len(right)
        for one, spellings in found.items():
            if one not in asked:
                held += any(_overlap(places, _places(text, said)) for said in spellings)
            if one in asked or own.is_named(one, labels):
                named += 1
            elif wrong > 0:
                wrong -= 1
                print(one, labels, "|", text)
    return {
        "names": len(own.names),
        "links": made,
        "precision_same": same / made,
        "precision_named": named / made,
        "precision_held": same / held,
        "recall": same / wanted,
    }


def consistent(own: OwnNames, rows: list[Headline]) -> dict[str, set[str]]:
    """The names that `rows` label whenever they hold them and that are not made of ordinary
    words alone."""
    words = ordinary_words()
    linked: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for text, labels in rows:
        found = own.found(text)
        linked.update(found.keys())
        labelled.update(found.keys() & {subject_of(label) for label in labels})
    return {
        one: forms
        for one, forms in own.names.items()
        if labelled[one] >= _LABELLED * max(1, linked[one])
        and not all(word in words for form in forms for word in re.findall(r"\w+", form.lower()))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("BELLWETHER_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wrong", type=int, default=0, help="print so many links not labelled")
    arguments = parser.parse_args()
    train, valid = (headlines(arguments.data, split) for split in ("train", "valid"))
    names: dict[str, set[str]] = defaultdict(set)
    for _, labels in train:
        for label in labels:
            names[subject_of(label)].add(label.strip())
    everything = OwnNames(dict(names))
    kept = OwnNames(consistent(everything, train))
    result = {
        "consistent": score(kept, valid, arguments.wrong),
        "all": score(everything, valid),
    }
    for which, figures in result.items():
        rounded = {name: round(value, 3) for name, value in figures.items()}
        print(json.dumps({which: rounded}) if arguments.json else f"{which}: {rounded}")


if __name__ == "__main__":
    main()
