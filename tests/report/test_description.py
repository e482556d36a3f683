"""The description of a run, where names are text and pictures are pictures."""

from headway.report.description import describe

EVIL = "<img src=x>![a](http://127.0.0.1/p)[b](http://127.0.0.1/l)"


def test_names_make_no_elements_links_or_pictures_of_their_own() -> None:
    text = describe(
        headline=EVIL, facts={EVIL: EVIL}, sections=[f"| {EVIL} |\n|---|"], pictures=[("map.png", "attention map")]
    )
    assert "<" not in text
    assert text.count("](") == text.count("![") == 1
    assert "![attention map](get-artifact?path=map.png&run_uuid={run_id})" in text
    assert text.count("&lt;img src=x>") == 4


def test_plain_words_and_tables_stay_as_they_are() -> None:
    table = "| model | mae |\n|---|---|\n| transformer | 1.5 |"
    text = describe(headline="MAE 1.5 °F", facts={"ran": "`python train.py`"}, sections=[table, ""], pictures=[])
    assert text == f"**MAE 1.5 °F**\n\n- ran: `python train.py`\n\n{table}\n"
