"""Writes traditional.txt, the simplified form of each traditional character, from OpenCC.

    pip install opencc-python-reimplemented==0.1.7
    python -m pipeline.catalogue_data.generate_forms

Only needed when the table is to change: the file it writes is part of the package. Of several
simplified forms OpenCC's first is taken. OpenCC and its dictionaries are Apache-2.0.
"""

from importlib import resources
from pathlib import Path

HERE = Path(__file__).parent
HEADER = (
    "# A traditional character and its simplified form a line; from OpenCC 1.1 (TSCharacters,\n"
    "# Apache-2.0, https://github.com/BYVoid/OpenCC) by generate_forms.py.\n"
)


def main() -> None:
    table = resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    pairs = []
    for line in table.read_text(encoding="utf-8").splitlines():
        traditional, _, forms = line.partition("\t")
        simplified = forms.split(" ")[0]
        if len(traditional) == len(simplified) == 1 and traditional != simplified:
            pairs.append(traditional + simplified)
    text = HEADER + "\n".join(sorted(pairs)) + "\n"
    (HERE / "traditional.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
