"""Made texts say of each company what the texts they are made of say."""

from models.contrasts import contrasts, exchanged, joined
from models.data import Example


def about(text: str, **told: str) -> Example:
    return Example(text=text, where="here", sentiment="positive", entities=tuple(told.items()))


GOLD = about("Gold shines on demand; Silver dull", Gold="positive", Silver="negative")


def test_exchanged_names_take_their_places_and_leave_their_fortunes():
    made = exchanged(GOLD)
    assert made is not None
    assert made.text == "Silver shines on demand; Gold dull"
    assert dict(made.entities) == {"Gold": "negative", "Silver": "positive"}
    assert made.sentiment is None


def test_names_that_fare_alike_or_cannot_be_told_apart_are_not_exchanged():
    assert exchanged(about("Acme and Bolt fall", Acme="negative", Bolt="negative")) is None
    inside = about("Tata Motors up, Tata down", **{"Tata Motors": "positive", "Tata": "negative"})
    assert exchanged(inside) is None
    twice = about("Acme up, Acme and Bolt down", Acme="positive", Bolt="negative")
    assert exchanged(twice) is None


def test_joined_texts_keep_what_each_said():
    made = joined(about("Acme rises.", Acme="positive"), about("Bolt falls", Bolt="negative"), "; ")
    assert made is not None
    assert made.text == "Acme rises; Bolt falls"
    assert dict(made.entities) == {"Acme": "positive", "Bolt": "negative"}
    assert (made.sentiment, made.topic) == (None, None)


def test_texts_are_not_joined_where_nothing_differs_or_one_names_the_other():
    rises = about("Acme rises", Acme="positive")
    assert joined(rises, about("Bolt rises", Bolt="positive"), "; ") is None
    assert joined(rises, about("Acme falls", Acme="negative"), "; ") is None
    assert joined(rises, about("Bolt falls behind Acme", Bolt="negative"), "; ") is None


def test_as_many_as_asked_for_and_the_same_every_time():
    texts = [
        about(f"C{n} does it", **{f"C{n}": ("negative", "positive")[n % 2]}) for n in range(40)
    ]
    made = contrasts(texts, 0.5, seed=3)
    assert len(made) == 20
    assert made == contrasts(texts, 0.5, seed=3)
    assert made != contrasts(texts, 0.5, seed=4)
    assert contrasts(texts, 0.0, seed=3) == []
    assert contrasts([GOLD], 0.1, seed=3) == [exchanged(GOLD)]
