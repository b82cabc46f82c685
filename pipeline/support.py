"""Whether the words around an ambiguous name say that the company is meant.

"Target" is a company in "Target's shares" and "Target sues Visa", not in "price target".
"""

import re

from pipeline.names import is_cjk

# How far around a name its company's business may be spoken of, in characters.
_NEAR = 40
_NEAR_CJK = 12

_AFTER = re.compile(
    r"(?:'s\b|,? inc\b|,? corp\b|,? co\b\.?|,? plc\b|,? ltd\b| \(n(?:yse|asdaq)"
    r"|(?:\W+\w+){0,2}?\W+(?:shares?|stocks?|earnings|revenues?|profits?|sales|ceo|cfo|coo|chief"
    r"|results|quarter(?:ly)?|q[1-4]|eps|dividends?|buyback|guidance|ipo|bonds?|investors?"
    r"|shareholders?|analysts?|announces?|announced|reports?|reported|posts|posted|unveils?"
    r"|unveiled|launch(?:es|ed)|sues?|sued|acquires?|acquired|buys|bought|agrees|agreed|says|said"
    r"|plans to|to buy|to acquire|hires|names|named|beats|misses|upgraded|downgraded|outlook"
    r"|market cap|stores?|customers|employees|workers|executives?|spokes\w+|board)\b"
    r"|\W+(?:sees|offers|appoints|taps|pt|price target|short interest|sec filing|hit by|fined"
    r"|hacked|downgrades?|upgrades?|beats?|merger|takeover|lawsuit|settles|recalls"
    r"|to (?:cut|pay|spend|sell|open|launch|invest|split|hire|lay off)"
    r"|is (?:buying|selling|hiring|cutting|suing))\b)"
)
_BEFORE = re.compile(
    r"(?:shares? of|stock of|shares in|stake in|ceo of|invest(?:ed|ing|or|ors)? in|owns?|upgrades?"
    r"|downgrades?|analysts? (?:at|on)|buys?|sells?|acquires?|acquire|sues?|versus|vs\.?|rival"
    r"|retailer|company|giant|maker|lender|bank|insurer|chain|stocks?:?|nyse:|nasdaq:)\s*$"
)
_CJK_CUES = re.compile(
    "股价|股份|股票|集团|公司|财报|营收|净利|业绩|公告|董事|市值|发布|收购|上市|控股|港股|美股|概念股"
    "|涨|跌|评级|增持|减持|分红|回购|高管|总裁|保险|证券|银行"
)


# Of a name nobody stated to be one, only these make a company.
_AT_ONCE = re.compile(
    r"(?:,? inc\b|,? corp\b|,? plc\b|,? ltd\b"
    r"|(?:'s)? (?:shares|stock|earnings|ceo|cfo|revenue|profit)\b)"
)
# "Apple upgraded to buy at Citi": a rating and, beside the name, who gives it.
_RATING = re.compile(
    r"\b(?:upgrad|downgrad|rating|rated|price target|target price|pt\b|initiat|rei?tera|outperform"
    r"|overweight|underweight|underperform|analyst|conviction|estimates|top pick|buy|sell|hold"
    r"|neutral|coverage|covered|investors|note|stock picks|recommend|sees|equal-weight|throws in"
    r"|forecasts?|survey|expects|estimate|channel checks|says)"
    r"|评级|目标价|增持|买入|跑赢"
)
_PLAINLY_RATING = re.compile(
    r"upgrad|downgrad|price target|target price|\brat(?:ed|ing)\b|initiat|rei?tera|outperform"
    r"|overweight|underweight|underperform|equal[- ]weight|top pick|coverage|\bpt\b|channel checks"
    r"|\$[a-z]|评级|目标价|增持|买入|跑赢"
)
# Of a bank itself: what it does to its people, what is done to it. Each is bounded: texts of half
# a million characters come by.
_OWN_AFFAIRS = re.compile(
    r"\b(?:(?:it will|it plans to|it is to|to) (?:cut|close|pay|sell its|lay)\b"
    r"|cuts? (?:jobs|bonuses)|\d[\d,]{0,11} jobs|job cuts|layoffs? at\b|bonus(?:es)? (?:pool|cut)"
    r"|fined\b|(?:billion|million) fine|settle[sd]? (?:with|lawsuit|probe|charges|claims)"
    r"|lawsuit against\b|probe (?:into|of|at)\b|raided\b|money laundering|data breach"
    r"|write-?downs?\b|bailout|capital raise|(?:big|trading|net) loss(?:es)?\b)"
)
_RATED_BY = re.compile(
    r"(?:\b(?:at|by|from|per|via|with|says|analysts? (?:at|with))|[:\-(]) (?:the )?$"
)
_RATES = re.compile(
    r"(?:'s|\.)?,? (?:analysts?|upgrades?|downgrades?|initiates?|cuts?|raises?|raising|reiterates?"
    r"|maintains?|lowers?|boosts?|ups|lifts|sees|starts|sets|reaffirms|top|keeps|adds|rates|thinks"
    r"|conviction|says|on|likes|research|upgraded|downgraded|reiterated|reitera|raised|cut|pt"
    r"|recommends?|throws in|to hold a (?:tour|meeting|call)|expects|estimates|forecasts?|believes"
    r"|calls|poll|survey|predicts|weighs in|global .{0,40}conference|conference)\b"
    r"|(?:'s)? \d+(?:\.\d+)? ?[➜→>]"
)
# Whoever stands behind these words rates, bank or not: "cut to underweight at X".
_SURELY_RATED_BY = re.compile(
    r"\b(?:ratings?|rated|upgraded|downgraded|initiated|reiterated|reaffirmed|covered|underweight"
    r"|overweight|outperform|underperform|neutral|equal[- ]weight|price target|cut to \w+"
    r"|raised to \w+)\W[^.;:|]{0,40}\b(?:at|by|from) (?:analysts at |analysts from )?(?:the )?$"
)
# Of a bank that is named beside another company.
_SPEAKS = re.compile(
    r"(?:: |'s? analysts?\b| analysts?\b| says\b| sees\b| on\b| recommends?\b| weighs in\b"
    r"| looks (?:at|over|into)\b| predicts\b| expects\b| names \w+ (?:a )?top"
    r"|.{0,40}\bconference\b|(?:\([^)]*\))?(?::|称|指出|认为|表示|预计|发布研报|.{0,6}研报))"
)
_SPOKEN_BY = re.compile(
    r"\b(?:according to|says|per|analysts? (?:at|with)|annual"
    r"|(?:speak|present|appear|participate)\w* (?:at|in)(?: \w+)?) (?:the )?$"
)
# A handle after these names who speaks, not who is spoken of.
_SPEAKER = re.compile(r"\b(?:rt|via|by|from|follow|on|hat tip|h/t|cc|thanks) $")


_ARTICLE = re.compile(
    r"\b(?:an?|the|my|your|his|her|our|their|every|each|this|that|no|some|any|per|one|another) $"
)
# "Michael S. Dell", "Mr. Ford": the word before a surname.
_FIRST_NAME = re.compile(r"(?:^|(?<=[\s(\"']))([A-Z][a-z]+)(?: [A-Z]\.?|\.)? $")
# "St. Paul", "San Francisco" are places.
_PLACE = re.compile(r"\b(?:St\.?|Saint|San|Santa|Fort|Port|Lake|Mount) $")
_TITLES = frozenset("mr mrs ms dr sir lord judge justice senator sen rep gov prof".split())
_LONGEST_FIRST_NAME = 20
# A text that is nearly all capitals says nothing by its capitals.
_SHOUTED = 0.7


def has_article(lower: str, start: int) -> bool:
    """Whether the word that begins at `start` is used as a common noun: "an apple"."""
    return _ARTICLE.search(lower, max(0, start - 9), start) is not None


def is_person(text: str, start: int, given_names: frozenset[str]) -> bool:
    """Whether the word that begins at `start` is somebody's surname: "Noel Tata"."""
    if not start or text[start - 1] != " ":
        return False
    before = _FIRST_NAME.search(text, max(0, start - _LONGEST_FIRST_NAME), start)
    if before is None:
        return False
    word = before[1].lower()
    if word in _TITLES:
        return True
    # the longest word for a place and its space
    nearby = max(0, before.start(1) - 8)
    return word in given_names and _PLACE.search(text, nearby, before.start(1)) is None


def is_shouted(text: str) -> bool:
    """Whether capitals mean nothing in `text`."""
    letters = sum(map(str.isalpha, text))
    return sum(map(str.isupper, text)) > _SHOUTED * letters


def is_source(lower: str, start: int) -> bool:
    """Whether the handle whose name begins at `start` is only where the text comes from."""
    return (
        lower[start - 1] == "@"
        and _SPEAKER.search(lower, max(0, start - 12), start - 1) is not None
    )


def speaks_of_ratings(lower: str) -> bool:
    """Whether the text is about recommendations and price targets."""
    return _RATING.search(lower) is not None


def is_rating_others(lower: str, start: int, end: int) -> bool:
    """Whether [start, end), in a text that speaks of ratings, names who rates."""
    beside = _RATED_BY.search(lower, max(0, start - 24), start) or _RATES.match(lower, end)
    return beside is not None


def speaks_of_itself(lower: str) -> bool:
    """Whether a text whose only name is a bank's speaks of that bank's own affairs, and rates
    nobody: "UBS says it will cut 3,000 jobs"."""
    return _OWN_AFFAIRS.search(lower) is not None and _PLAINLY_RATING.search(lower) is None


def is_rated_by(lower: str, start: int) -> bool:
    """Whether the words before `start` say that who is named there rates somebody else."""
    return _SURELY_RATED_BY.search(lower, max(0, start - 90), start) is not None


def is_speaking(lower: str, start: int, end: int) -> bool:
    """Whether [start, end) names who says something: "Goldman Sachs: Apple can innovate"."""
    beside = _SPEAKS.match(lower, end) or _SPOKEN_BY.search(lower, max(0, start - 24), start)
    return beside is not None


def is_supported(lower: str, start: int, end: int, derived: bool) -> bool:
    """Whether the words around [start, end) of `lower` speak of a company there.

    A `derived` name was cut out of a longer one: nobody said that the company goes by it.
    """
    if derived:
        return _AT_ONCE.match(lower, end, end + _NEAR) is not None
    if is_cjk(lower[start:end]):
        around = lower[max(0, start - _NEAR_CJK) : start] + " " + lower[end : end + _NEAR_CJK]
        return _CJK_CUES.search(around) is not None
    beside = _AFTER.match(lower, end, end + _NEAR) or _BEFORE.search(
        lower, max(0, start - 20), start
    )
    return beside is not None


def context_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds any of `words` as whole words in lower case; None where there are none."""
    if not words:
        return None
    parts = [
        re.escape(word.lower()) if is_cjk(word) else rf"\b{re.escape(word.lower())}\b"
        for word in sorted(words)
    ]
    return re.compile("|".join(parts))
