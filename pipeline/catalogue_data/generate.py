"""Writes `listed.csv` from the data module of the library pytickersymbols (MIT).

    python -m pipeline.catalogue_data.generate PATH/TO/pytickersymbols/indices_data.py

The library itself is not a dependency: importing it takes longer than reading our file and
brings requests and BeautifulSoup along. Its licence is kept in `LICENSE-pytickersymbols`.
"""

import csv
import re
import runpy
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.tickers import canonical

TARGET = Path(__file__).with_name("listed.csv")

# Faults of the source, found by the conflict check; `curated.csv` has the right entry.
_WRONG = {
    ("Apollo Commercial Real Estate Finance", "APO"),
    ("Arthur J. Gallagher & Co.", "AIZ"),
    ("Globe Life", "MHK"),
    ("Fresenius Medical Care", "FRE.DE"),
    ("Aperam", "APAM"),
    ("SoftBank", "9984.T"),
    ("Airbus", "AIR.PA.DE"),
    ("SES S.A.", "SMIN"),
    ("SES S.A.", "SMIN.L"),
    ("STABILUS SE", "STMPA.PA"),
    ("ABB", "ABB.PA"),
}
# Two members of one index share a name.
_RENAMED = {"FBNC": "First Bancorp of North Carolina"}
# These names alone are ordinary words more often than companies, even with a capital.
_AMBIGUOUS = {
    "BD", "Box", "FIS", "Informa", "Recruit", "SCA", "Solaria", "Sto", "The Hartford", "Ventas",
}  # fmt: skip
# German indices list some members without the suffix of their exchange.
_GERMAN = {"SDAX", "TecDAX", "MDAX", "DAX"}
_SUFFIX_OF_INDEX = {"CAC Mid 60": ".PA"}
# Cross-listings nobody writes about a company with.
_UNREAD = re.compile(r".*\.F|0[A-Z0-9]{3}\.L|[A-Z]{2}[A-Z0-9]{9}\d(\..*)?")
_TRADED = re.compile(r"(NYSE|Nasdaq|SEHK|LSE) ?: ?([A-Z0-9.]+)")
# One company under several listings: the listing that names the subject.
_PRIMARY = {
    "MTS.MC": "MT.AS", "ASML": "ASML.AS", "REN.AS": "REL.L", "SHELL.AS": "SHEL.L",
    "UNA.AS": "ULVR.L", "ABB": "ABBN.SW", "ABB.ST": "ABBN.SW", "VOW.DE": "VOW3.DE",
    "NDA-SE.ST": "NDA-FI.HE", "AZN.ST": "AZN.L", "CCEP.L": "CCEP", "IAG.MC": "IAG.L",
    "FER.MC": "FER", "GOOG": "GOOGL", "FOX": "FOXA", "NWS": "NWSA", "UA": "UAA",
    "STLAP.PA": "STLAM.MI", "CENT": "CENTA", "CWEN.A": "CWEN",
}  # fmt: skip


def companies(indices: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """(primary listing, name, other tickers) of every member that has a listing."""
    for index, members in indices.items():
        for company in members["companies"]:
            name = re.sub(r"\s*\((Class|Lotterie|retailer).*?\)", "", company["name"]).strip()
            symbol = company.get("symbol")
            if not symbol or (name, symbol) in _WRONG:
                continue
            if index in _GERMAN and "." not in symbol:
                symbol += ".DE"
            elif index in _SUFFIX_OF_INDEX and "." not in symbol:
                symbol += _SUFFIX_OF_INDEX[index]
            if (name, symbol) in _WRONG:
                continue
            name = _RENAMED.get(symbol, name)
            primary = canonical(symbol)
            others = [
                canonical(form)
                for listing in company.get("symbols", ())
                for form in (listing["yahoo"],)
                if not _UNREAD.fullmatch(form) and form != symbol.split(".")[0] + ".DE"
            ]
            yield _PRIMARY.get(primary, primary), name, [primary, *others]


def main(source: str) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    tickers: dict[str, list[str]] = defaultdict(list)
    for primary, name, others in companies(runpy.run_path(source)["INDICES"]):
        if name not in names[primary]:
            names[primary].append(name)
        for ticker in (primary, *others):
            if ticker not in tickers[primary]:
                tickers[primary].append(ticker)
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("id", "names", "tickers", "ambiguous"))
        for primary in sorted(names):
            ambiguous = "true" if _AMBIGUOUS.intersection(names[primary]) else ""
            found = "|".join(names[primary]), "|".join(tickers[primary])
            rows.writerow((primary, *found, ambiguous))


if __name__ == "__main__":
    main(sys.argv[1])
