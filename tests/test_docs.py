"""What the documents show is what happens: their examples run."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
FEWEST_EXAMPLES = {"attention.md": 36}


def examples(name: str, text: str) -> doctest.DocTest:
    """The examples of a document, in one namespace; a fence ends an expected output as an empty line does."""
    unfenced = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    return doctest.DocTestParser().get_doctest(unfenced, {"__name__": "__main__"}, name, str(DOCS / name), 0)


def failures(name: str, text: str) -> str:
    """What the examples that fail print, by line of the document; nothing where all pass."""
    told: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples(name, text), out=told.append)
    return "".join(told)


@pytest.mark.parametrize("name", FEWEST_EXAMPLES)
def test_the_examples_of_a_document_give_what_it_says(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert len(examples(name, text).examples) >= FEWEST_EXAMPLES[name], "an example was lost, or its fence hides it"
    told = failures(name, text)
    assert not told, told


@pytest.mark.parametrize(
    ("said", "false"),
    [
        ("((None, 6, 8), (None, 4, 6, 6))", "((None, 6, 8), (None, 6, 6))"),
        ("return_attention_scores=True)\nTraceback", "return_attention_score=True)\nTraceback"),
        (
            ">>> np.allclose(by_name, attention(query, key, value))",
            ">>> np.allclose(by_name, attention(query, value, key))",
        ),
    ],
    ids=["an expected output", "an expected error", "code"],
)
def test_a_broken_example_is_told_with_its_line(said: str, false: str) -> None:
    text = (DOCS / "attention.md").read_text(encoding="utf-8")
    assert text.count(said) == 1
    line = 1 + text[: text.index(said)].count("\n")
    told = failures("attention.md", text.replace(said, false))
    found = [int(number) for number in re.findall(r'attention\.md", line (\d+)', told)]
    assert found and abs(found[0] - line) <= 1, told
