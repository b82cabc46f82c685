"""Which held-out texts are news to what was trained on."""

from models.corpus import unlike
from models.data import Example


def texts(*given: str) -> list[Example]:
    return [Example(text=one, where="here") for one in given]


def test_a_near_copy_of_a_training_text_is_no_news():
    trained = texts("Acme cuts its outlook for the full year after weak sales", "Short note")
    held = texts(
        "RT: Acme cuts its outlook for the full year after weak sales in Europe",
        "Short note!",
        "Acme raises its dividend as sales in Europe recover",
        "Another",
    )
    assert [one.text for one in unlike(held, trained)] == [held[2].text, "Another"]
