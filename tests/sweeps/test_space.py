"""What a search may choose from, and how it is written on a command line."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hypothesis import example, given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from headway.errors import ConfigError
from headway.sweeps.space import Choice, Dimension, Span, distribution, fixed, override, words


def parsed(text: str) -> Override:
    return OverridesParser.create().parse_override(text)


def choice(text: str) -> Choice:
    """As Hydra reads a list of values."""
    read = parsed(f"a={text}")
    return Choice(tuple(read.sweep_string_iterator()))


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Span(2, 7), IntDistribution(2, 7)),
        (Span(2, 11, step=3), IntDistribution(2, 11, step=3)),
        (Span(2, 64, log=True), IntDistribution(2, 64, log=True)),
        (Span(2.0, 7.0), FloatDistribution(2, 7)),
        (Span(0, 0.3), FloatDistribution(0, 0.3)),
        (Span(0, 1, step=0.25), FloatDistribution(0, 1, step=0.25)),
        (Span(0.001, 0.1, log=True), FloatDistribution(0.001, 0.1, log=True)),
        (Choice(("3", "x")), CategoricalDistribution(("3", "x"))),
    ],
)
def test_a_dimension_is_sampled_as_it_was_written(dimension: Dimension, expected: BaseDistribution) -> None:
    found = distribution("a", dimension)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        (Choice(()), "model.heads: nothing to choose from"),
        (Span(0.3, 0.1), "model.heads: from 0.3 to 0.1 there is nothing; the lower end comes first"),
        (Span(5, 4, step=1), "model.heads: from 5 to 4 there is nothing; the lower end comes first"),
        (Span(0.0, 0.1, log=True), "model.heads: a logarithmic interval begins above 0, got 0"),
        (Span(-3, 7, log=True), "model.heads: a logarithmic interval begins above 0, got -3"),
        (Span(1, 7, step=2, log=True), "model.heads: tag(log, ...) goes with interval, not with range"),
    ],
)
def test_what_cannot_be_sampled_is_refused(dimension: Dimension, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        distribution("model.heads", dimension)
    assert error.value.messages == (message,)


@given(value=st.floats(1e-9, 1e9))
@example(value=1e-5)
@example(value=0.30000000000000004)
@example(value=3.0)
def test_hydra_reads_a_sampled_number_as_it_is(value: float) -> None:
    read = parsed(override("training.learning_rate", Span(1e-9, 1e9), value)).value()
    assert isinstance(read, float)
    assert read == pytest.approx(value, rel=5e-6)


def test_a_sampled_number_is_short_enough_to_be_typed_again() -> None:
    assert override("a", Span(0.0, 1.0), 0.12345678) == "a=0.123457"
    assert override("a", Span(0.0, 1.0, step=0.1), 0.1 + 0.2) == "a=0.3"


@given(value=st.integers(-(10**9), 10**9))
def test_hydra_reads_a_sampled_whole_number_as_it_is(value: int) -> None:
    read = parsed(override("model.heads", Span(-(10**9), 10**9), value)).value()
    assert (type(read), read) == (int, value)


@pytest.mark.parametrize(
    "text", ['null,1,"1",0.5,true,abc', "'a,b',\"a b\",c d", "[3,5],[7],{a: 1}", r"a\,b,c\=d", "0.001,1e-05,-7"]
)
def test_hydra_reads_every_chosen_value_as_it_was_typed(text: str) -> None:
    dimension = choice(text)
    typed = list(parsed(f"a={text}").sweep_iterator())
    read = [parsed(override("a", dimension, value)).value() for value in dimension.texts]
    expected = [parsed(f"a={single}").value() for single in dimension.texts]
    assert read == expected
    assert [type(value) for value in read] == [
        type(value) if isinstance(value, int | float | list | dict) or value is None else str for value in typed
    ]


def test_true_and_1_are_two_choices() -> None:
    dimension = choice("1,true,0,false")
    assert [override("a", dimension, value).lower() for value in dimension.texts] == [
        "a=1",
        "a=true",
        "a=0",
        "a=false",
    ]


def test_1_and_a_float_of_the_same_size_are_two_choices() -> None:
    dimension = choice("1,1.0")
    assert [override("a", dimension, value) for value in dimension.texts] == ["a=1", "a=1.0"]


def test_a_sampler_can_tell_equal_values_of_two_types_apart() -> None:
    found = distribution("a", choice("1,1.0,true"))
    assert len({found.to_internal_repr(found.to_external_repr(place)) for place in range(3)}) == 3


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Choice(("3", "null")), "3, null"),
        (Span(1, 7), "1 to 7"),
        (Span(0.001, 0.1, log=True), "0.001 to 0.1 (log)"),
        (Span(0, 1, step=0.25), "0 to 1, step 0.25"),
    ],
)
def test_a_dimension_reads_as_a_phrase(dimension: Dimension, expected: str) -> None:
    assert words(dimension) == expected


def test_a_grid_has_the_parameters_that_differ_between_its_points() -> None:
    points = [["+a.b=3", "c=x=y", "d=7"], ["+a.b=5", "c=x=y", "d=7"], ["+a.b=5", "c=z", "d=7"]]
    assert fixed(points) == [{"a.b": "3", "c": "x=y"}, {"a.b": "5", "c": "x=y"}, {"a.b": "5", "c": "z"}]
    assert fixed([]) == []
    assert fixed([["a=3"]]) == [{}]
