"""Links judged by reading: which of them the linker makes now, and a draw of new ones.

    python -m benchmarks.judged_links [--data ../shared/data] [--draw 20263]

`judged_links.csv` holds the ids of tweets, the subject each was linked to without its
cashtags, and the verdict of a reader: `right` where the text names that company and is not
merely passed on, rated or hosted by it, `wrong` otherwise. The texts are not part of the
project. `--draw SEED` prints as many links at random as the table has, with their texts, to be
judged anew: the figure of a table says how good the linker was when it was drawn, and only a
fresh draw says how good it is after its faults were corrected.
"""

import argparse
import csv
import os
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.subjects import links_without_cashtags, tweets
from pipeline.catalogue import load_catalogue
from pipeline.subjects import CatalogueLinker

TABLE = Path(__file__).with_name("judged_links.csv")
_DRAWN = 300


def judged() -> dict[tuple[str, str], bool]:
    """(document id, subject id) to whether the link is right."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {
            (row["document"], row["subject"]): row["verdict"] == "right"
            for row in csv.DictReader(file)
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("BELLWETHER_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--draw", type=int, help="print links to judge, drawn with this seed")
    arguments = parser.parse_args()
    linker = CatalogueLinker(load_catalogue())
    links = list(_links(linker, arguments.data))
    if arguments.draw is not None:
        for identity, subject, text in random.Random(arguments.draw).sample(links, _DRAWN):
            print(identity, subject, "|", " ".join(text.split()))
        return
    verdicts = judged()
    made = [verdicts[link[:2]] for link in links if link[:2] in verdicts]
    print(f"judged: {sum(verdicts.values())} of {len(verdicts)} right")
    print(f"made now: {len(made)} of them, {sum(made)} right ({sum(made) / len(made):.3f})")


def _links(linker: CatalogueLinker, data: Path) -> Iterator[tuple[str, str, str]]:
    for document, _, subjects in links_without_cashtags(linker, tweets(data)):
        for subject in subjects:
            yield document.id, str(subject.id), document.text or ""


if __name__ == "__main__":
    main()
