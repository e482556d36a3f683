"""From a plain mapping to a typed configuration, or one line per mistake."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headway.config.spec import Spec
from headway.errors import ConfigError
from headway.redaction import redacted

Configuration = TypeVar("Configuration", bound=Spec)

EXAMPLES = {
    "dataset.path": "dataset.path=my.csv",
    "dataset.timestamp": "dataset.timestamp=time",
    "dataset.targets": "dataset.targets=[load]",
    "backtest.every": "backtest.every=28D",
    "backtest.train": "backtest.train=84D",
    "dataset.frequency": "dataset.frequency=15min, 1h, 1D, 1W or 1M",
}
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list, like [a,b]",
    "dict_type": "a mapping, like {a: 1}",
    "model_type": "a mapping, like {a: 1}",
}
_LIMITS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def validate(settings: object, configuration: type[Configuration]) -> Configuration:
    """Check settings against a typed configuration.

    Args:
        settings: A mapping of plain values as composed, interpolations resolved.
        configuration: The spec to fill.

    Returns:
        The configuration, frozen.

    Raises:
        ConfigError: With one message per mistake, each naming key, value, what is allowed and, for
            an unknown key, the nearest known one.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"expected a mapping of settings, got {_type(settings)}")
    try:
        return configuration.model_validate(_without_missing(settings))
    except ValidationError as error:
        known = list(known_keys(configuration))
        messages = dict.fromkeys(_message(key, details, known) for key, details in _by_key(error.errors()))
        raise ConfigError(*messages) from None


def known_keys(spec: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all keys of a spec and the specs inside it, groups included."""
    for name, field in spec.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")


def free_keys(spec: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of the mappings whose keys the user chooses, like `dataset.units`."""
    for name, field in spec.model_fields.items():
        annotation = field.annotation
        if get_origin(annotation) is dict:
            yield prefix + name
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from free_keys(annotation, f"{prefix}{name}.")


def takes_whole_numbers(spec: type[BaseModel], key: str) -> bool:
    """Whether a key of a spec is a whole number and nothing else that has a decimal point."""
    name, _, rest = key.partition(".")
    field = spec.model_fields.get(name)
    if field is None:
        return False
    if rest:
        inner = field.annotation
        return isinstance(inner, type) and issubclass(inner, BaseModel) and takes_whole_numbers(inner, rest)
    kinds = set(_flat(field.annotation))
    return int in kinds and float not in kinds


def _flat(annotation: object) -> Iterator[object]:
    """The plain types that an annotation is made of."""
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _flat(argument)


def nearest(word: str, known: list[str]) -> str:
    """A phrase that names the closest of `known`, or nothing where none is close."""
    leaf = word.rsplit(".", 1)[-1]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    if not close:
        leaves = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
        close = [leaves[found] for found in difflib.get_close_matches(leaf, list(leaves), n=1, cutoff=0.7)]
    return f"; did you mean {close[0]}?" if close else ""


def unknown_key(key: str, known: list[str]) -> str:
    """The message for a key that no spec has."""
    group = key.rpartition(".")[0]
    close = nearest(key, known)
    if close:
        return f"{key}: unknown key{close}"
    siblings = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == group]
    return f"{key}: unknown key; {group or 'the top level'} has {', '.join(siblings) or 'no such group'}"


def _without_missing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the values that are still to be given ("???" in YAML)."""
    return {
        key: _without_missing(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if not (isinstance(value, str) and value == "???")
    }


def _by_key(errors: list[ErrorDetails]) -> Iterator[tuple[str, list[ErrorDetails]]]:
    """Errors of each key: a union reports every branch, and one line is enough."""
    by_key: dict[str, list[ErrorDetails]] = {}
    for error in errors:
        key = ".".join(str(part) for part in error["loc"] if not _is_branch(part))
        if error["type"] == "too_short" and error["input"]:
            continue  # its items are wrong, and have errors of their own
        by_key.setdefault(key, []).append(error)
    yield from by_key.items()


def _is_branch(part: int | str) -> bool:
    """Whether pydantic put the name of a union's branch, or its mark of a mapping's key, into a location."""
    return isinstance(part, str) and (part.startswith("constrained-") or part in ("float", "int", "[key]"))


def _message(key: str, errors: list[ErrorDetails], known: list[str]) -> str:
    error = errors[-1]
    kind, context = error["type"], error.get("ctx", {})
    came = f"{key}={_shown(error['input'])}"
    if kind == "extra_forbidden":
        return unknown_key(key, known)
    if kind == "missing":
        return f"{key}: required but not set" + (f"; for example {EXAMPLES[key]}" if key in EXAMPLES else "")
    if kind == "value_error":
        return f"{key + ': ' if key else ''}{context['error']}"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        close = difflib.get_close_matches(_text(error["input"]), expected.split(", "), n=1)
        return f"{came}: expected one of {expected}" + (f"; did you mean {close[0]}?" if close else "")
    if kind == "finite_number":
        return f"{came}: must be a finite number"
    if kind in ("too_short", "string_too_short"):
        return f"{came}: must not be empty"
    example = f"; for example {EXAMPLES[key]}" if key in EXAMPLES else ""
    allowed = " or ".join(dict.fromkeys(_allowed(branch) for branch in errors))
    got = f", got {_type(error['input'])}" if all(branch["type"] in _KINDS for branch in errors) else ""
    return f"{came}: expected {allowed}{got}{example}"


def _allowed(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _KINDS:
        return _KINDS[kind]
    for limit, words in _LIMITS.items():
        if limit in context:
            return f"a number {words} {context[limit]:.12g}"
    if kind == "too_long" and not isinstance(error["input"], str):
        return f"at most {context['max_length']} of them, got {context['actual_length']}"
    if "max_length" in context:
        return f"at most {context['max_length']} characters"
    return f"text that matches {context['pattern']}" if "pattern" in context else error["msg"]


def _shown(value: object) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else _text(value)
    # Before it is cut: half a password is not known for one.
    text = redacted(text)
    return text if len(text) <= 80 else text[:77] + "..."


def _text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _type(value: object) -> str:
    names: dict[type, str] = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a mapping",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
