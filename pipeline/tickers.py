"""Tickers in one spelling, whatever exchange prefix or suffix a text gives them.

The canonical form is the bare symbol for a listing in the United States and symbol plus
suffix elsewhere: `AAPL`, `BRK.B`, `BARC.L`, `600519.SS`, `0700.HK`. All functions are pure.
"""

import re

# Exchange names as texts and data vendors write them, to the suffix of the canonical form.
EXCHANGES = {
    **dict.fromkeys(
        ("NASDAQ", "NASDAQGS", "NASDAQGM", "NASDAQCM", "NYSE", "NYSEARCA", "NYSEAMERICAN"), ""
    ),
    **dict.fromkeys(("NYSEMKT", "AMEX", "ARCA", "BATS", "CBOE", "OTC", "OTCMKTS", "OTCQX"), ""),
    **dict.fromkeys(("OTCQB", "OTCBB", "PINK"), ""),
    **dict.fromkeys(("LON", "LSE", "AIM"), ".L"),
    **dict.fromkeys(("ETR", "XETRA", "FRA", "FWB", "FSE"), ".DE"),
    **dict.fromkeys(("EPA", "PAR"), ".PA"),
    **dict.fromkeys(("AMS",), ".AS"),
    **dict.fromkeys(("EBR",), ".BR"),
    **dict.fromkeys(("BIT",), ".MI"),
    **dict.fromkeys(("BME", "BMAD"), ".MC"),
    **dict.fromkeys(("STO",), ".ST"),
    **dict.fromkeys(("HEL",), ".HE"),
    **dict.fromkeys(("CPH",), ".CO"),
    **dict.fromkeys(("OSL",), ".OL"),
    **dict.fromkeys(("SWX", "VTX", "SIX"), ".SW"),
    **dict.fromkeys(("VIE",), ".VI"),
    **dict.fromkeys(("TSX",), ".TO"),
    **dict.fromkeys(("TSXV",), ".V"),
    **dict.fromkeys(("TYO",), ".T"),
    **dict.fromkeys(("KRX", "KOSPI"), ".KS"),
    **dict.fromkeys(("TPE", "TWSE"), ".TW"),
    **dict.fromkeys(("HKG", "HKEX", "SEHK", "HKSE"), ".HK"),
    **dict.fromkeys(("SHA", "SSE", "SHSE"), ".SS"),
    **dict.fromkeys(("SHE", "SZSE"), ".SZ"),
    **dict.fromkeys(("NSE",), ".NS"),
    **dict.fromkeys(("BSE", "BOM"), ".BO"),
    **dict.fromkeys(("ASX",), ".AX"),
    **dict.fromkeys(("SGX",), ".SI"),
    **dict.fromkeys(("JSE",), ".JO"),
}
# Where a symbol is listed, as in "AAPL US Equity", "BP/:LN" and "HK:0700".
COUNTRIES = {
    **dict.fromkeys(("US", "UN", "UW", "UQ"), ""),
    "LN": ".L", "HK": ".HK", "JP": ".T", "JT": ".T", "IN": ".NS", "IS": ".NS", "IB": ".BO",
    "GR": ".DE", "GY": ".DE", "FP": ".PA", "NA": ".AS", "BB": ".BR", "IM": ".MI", "SM": ".MC",
    "SS": ".ST", "FH": ".HE", "DC": ".CO", "NO": ".OL", "SW": ".SW", "SE": ".SW", "VX": ".SW",
    "AV": ".VI", "CN": ".TO", "CT": ".TO", "KS": ".KS", "TT": ".TW", "AU": ".AX", "AT": ".AX",
    "SP": ".SI", "SJ": ".JO", "SH": ".SS", "SZ": ".SZ",
}  # fmt: skip
# Suffixes other vendors use for the same exchange.
_SUFFIXES = {
    ".SH": ".SS",
    ".XSHG": ".SS",
    ".XSHE": ".SZ",
    ".LN": ".L",
    ".US": "",
    ".N": "",
    ".O": "",
}

_CHINA = re.compile(r"(SH|SZ)(\d{6})")
_SHARE_CLASS = re.compile(r"([A-Z]{1,5})[-/ ]([A-Z])")
_PREFIXED = re.compile(r"([A-Z]{2,12})\s*[::]\s*([A-Z0-9][A-Z0-9.\-]*)")


def listed_in(symbol: str, country: str) -> str:
    """The canonical form of `symbol` in a country's market: `700` in `HK` gives `0700.HK`.

    `CH` and `CG` (Bloomberg's mainland China) tell Shanghai from Shenzhen by the number. A
    country that is not known gives an empty text.
    """
    if country in ("CH", "CG", "CS"):
        return canonical(symbol + (".SS" if symbol.startswith("6") else ".SZ"))
    suffix = COUNTRIES.get(country)
    return "" if suffix is None else canonical(symbol.rstrip("/") + suffix)


def canonical(ticker: str) -> str:
    """`ticker` in the canonical form; one that has no known form comes back in upper case.

    `$aapl` and `NASDAQ: AAPL` give `AAPL`, `LON:BARC` gives `BARC.L`, `SH600519` and
    `600519.SH` give `600519.SS`, `00700.HK` gives `0700.HK`, `BRK-B` gives `BRK.B`.
    """
    text = ticker.strip().lstrip("$").upper()
    # the commonest spelling by far needs none of what follows
    if text.isalpha() and text.isascii():
        return text
    if prefixed := _PREFIXED.fullmatch(text):
        suffix = EXCHANGES.get(prefixed[1])
        if suffix is None:
            return text
        return canonical(prefixed[2].rstrip(".") + suffix)
    if china := _CHINA.fullmatch(text):
        return china[2] + (".SS" if china[1] == "SH" else ".SZ")
    if share_class := _SHARE_CLASS.fullmatch(text):
        return f"{share_class[1]}.{share_class[2]}"
    symbol, dot, tail = text.rpartition(".")
    if not dot or not symbol:
        return text
    # one letter after letters is a share class (BF.B) before it is a vendor's exchange code
    suffix = _SUFFIXES.get(f".{tail}", f".{tail}")
    if suffix == ".HK" and symbol.isdecimal():
        symbol = symbol.lstrip("0").zfill(4)
    return symbol + suffix
