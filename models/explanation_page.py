"""Explanations as HTML: the words of a text coloured by what they were worth, the words that
drive each class. Blue speaks for the class called, orange against it; a line under a word is
its share of the attention."""

from collections.abc import Mapping, Sequence
from html import escape

from models.explain import Driver, Explanation

_STYLE = """
body{font:16px/1.9 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{font-size:1.05rem;margin:1.4rem 0 .2rem}
.w{border-radius:3px;padding:.1em .08em}
.note{color:#777;font-size:.85em;line-height:1.4}
table{border-collapse:collapse;line-height:1.4;font-variant-numeric:tabular-nums}
td,th{padding:.1rem .8rem .1rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
.classes{display:flex;flex-wrap:wrap;gap:2rem}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}}
"""
FOR, AGAINST = (47, 111, 179), (222, 120, 40)


def shades(explanation: Explanation) -> list[float]:
    """How strongly each word is coloured, -1 to 1: its worth against the largest of the text."""
    largest = max((abs(word.attribution) for word in explanation.words), default=0.0)
    return [word.attribution / largest if largest else 0.0 for word in explanation.words]


def text_page(version: str, explanations: Sequence[Explanation]) -> str:
    """The page of one text, a line per question."""
    parts = ["<h1>Why it was called so</h1>"]
    for one in explanations:
        about = f" towards {escape(one.about)}" if one.about else ""
        parts.append(
            f"<h2>{escape(one.task)}{about}: {escape(one.label)} {one.probability:.1%}</h2>"
            f"<p>{_coloured(one)}</p>"
        )
    methods = ", ".join(sorted({one.method for one in explanations}))
    parts.append(
        f'<p class="note">Blue speaks for the class called, orange against it; the line under a '
        f"word is its share of the attention. {escape(methods)}; model {escape(version)}.</p>"
    )
    return _page("\n".join(parts))


def drivers_page(version: str, texts: int, found: Mapping[str, Mapping[str, list[Driver]]]) -> str:
    """The page of a file: by task and class its words."""
    parts = [f"<h1>The words that drive each class</h1><p class=note>{texts:,} texts, model "
             f"{escape(version)}. Worth: mean change of the log odds.</p>"]  # fmt: skip
    for task, classes in found.items():
        parts.append(f'<h2>{escape(task)}</h2><div class="classes">')
        for label, words in classes.items():
            rows = "".join(
                f"<tr><td>{escape(one.word)}</td><td>{one.attribution:.2f}</td>"
                f"<td>{one.texts}</td></tr>"
                for one in words
            )
            parts.append(
                f"<table><tr><th>{escape(label)}</th><th>worth</th><th>texts</th></tr>{rows}</table>"
            )
        parts.append("</div>")
    return _page("\n".join(parts))


def _coloured(one: Explanation) -> str:
    parts, at = [], 0
    most = max((word.attention or 0.0 for word in one.words), default=0.0)
    for word, shade in zip(one.words, shades(one), strict=True):
        parts.append(escape(one.text[at : word.start]))
        red, green, blue = FOR if shade > 0 else AGAINST
        line = ""
        if word.attention is not None and most:
            line = f";border-bottom:2px solid rgba(120,120,120,{word.attention / most:.2f})"
        told = f"worth {word.attribution:+.3f}"
        if word.attention is not None:
            told += f", attention {word.attention:.1%}"
        parts.append(
            f'<span class="w" title="{told}" style="background:rgba({red},{green},{blue},'
            f'{0.75 * abs(shade):.2f}){line}">{escape(word.text)}</span>'
        )
        at = word.end
    return "".join(parts) + escape(one.text[at:])


def _page(body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Bellwether: why</title><style>{_STYLE}</style>\n{body}\n</html>\n"
    )
