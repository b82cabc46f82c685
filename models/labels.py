"""What a foreign model's classes mean: its own names where they tell, else the setting."""

from collections.abc import Mapping

from pipeline.documents import SentimentLabel
from pipeline.errors import ConfigurationError

# As model cards name them, in the languages such models are published in.
_NAMES: dict[str, SentimentLabel] = {
    **dict.fromkeys(
        ("negative", "neg", "bearish", "bear", "消极", "负面", "利空", "negativ", "negativo"),
        "negative",
    ),
    **dict.fromkeys(("neutral", "neu", "none", "中性", "中立", "neutre", "neutro"), "neutral"),
    **dict.fromkeys(
        ("positive", "pos", "bullish", "bull", "积极", "正面", "利好", "positiv", "positivo"),
        "positive",
    ),
}
_SETTING = "BELLWETHER_MODEL_LABELS"
_EXAMPLE = "LABEL_0=negative,LABEL_1=neutral,LABEL_2=positive"


def sentiment_labels(id2label: Mapping[int, str], given: str) -> tuple[SentimentLabel, ...]:
    """The sentiment of each class of a model, by class number.

    `given` (`LABEL_0=negative,…`, by name or number) wins over the model's own names; two
    classes may mean the same, and `neutral` may be missing. Raises `ConfigurationError`
    naming the setting when a class stays unclear.
    """
    wanted = _given(given)
    known = {name.strip().lower() for name in id2label.values()}
    unknown = sorted(set(wanted) - known - {str(number) for number in id2label})
    if unknown:
        raise ConfigurationError(
            f"{_SETTING}: the model has no class {', '.join(unknown)}; "
            f"it has {', '.join(id2label.values())}"
        )
    found: list[SentimentLabel] = []
    for number in range(len(id2label)):
        name = id2label[number].strip()
        label = wanted.get(name.lower()) or wanted.get(str(number)) or _NAMES.get(name.lower())
        if label is None:
            raise ConfigurationError(
                f"{_SETTING}: class {name!r} of the model does not say which sentiment it is; "
                f"set it, as in {_EXAMPLE}"
            )
        found.append(label)
    if not {"negative", "positive"} <= set(found):
        raise ConfigurationError(
            f"{_SETTING}: no class is {'negative' if 'negative' not in found else 'positive'} "
            f"among {', '.join(found)}; set it, as in {_EXAMPLE}"
        )
    return tuple(found)


def _given(text: str) -> dict[str, SentimentLabel]:
    wanted: dict[str, SentimentLabel] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, meaning = part.partition("=")
        label = _NAMES.get(meaning.strip().lower())
        if not name.strip() or label is None:
            raise ConfigurationError(
                f"{_SETTING}: {part!r} is not NAME=negative, NAME=neutral or NAME=positive"
            )
        wanted[name.strip().lower()] = label
    return wanted
