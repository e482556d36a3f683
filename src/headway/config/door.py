"""The way in and out of the entry scripts: every expected failure is one line a mistake and an exit code."""

import contextlib
import difflib
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from headway.config.private import refuse_typed_secrets
from headway.config.spec import Spec
from headway.config.validate import free_keys, known_keys, unknown_key
from headway.errors import ConfigError, HeadwayError, Interrupted, StorageError
from headway.redaction import RedactedStream

# A whole or decimal number with an underscore, standing alone or in a list, mapping or sweep.
_UNDERSCORED = re.compile(r"(?<![^\[\]{}(),:\s])[+-]?\d[\d.]*_[\d_.]*([eE][+-]?\d+)?(?![^\[\]{}(),:\s])")

# The beginning of a run's id may read as a number: 796667e2.
_NAMES_RUNS = ("run", "compare")
_NUMBER = re.compile(r"(?<![^=,\[\s])\d[\d.]*([eE][+-]?\d+)?(?![^,\]\s])")

# Groups whose files fill other groups: no spec has their name as a key.
_GROUPS_WITHOUT_KEY = ("hydra", "hparams_search", "experiment")
# Hydra's grammar takes seconds for as much, and minutes for ten times as much.
_LONGEST_WORD = 20_000
_LONGEST_MESSAGE, _MOST_MESSAGES = 1000, 20
_OURS = ("__main__", "headway", "hydra_plugins")
_AROUND_HYDRA = "hydra_plugins.headway._composed"


def run(task: Callable[[], object], *, configuration: type[Spec]) -> int:
    """Run an entry script's task and turn what goes wrong into messages and an exit code.

    Args:
        task: The function that Hydra wraps.
        configuration: The spec of the script, for the nearest known key of a wrong override.

    Returns:
        0, the exit code of an expected error, 2 for what Hydra or YAML refuse, or 1 with a
        traceback for a mistake of our own.
    """
    # Whatever is said on the way out, a traceback included: nobody must find a password in a log.
    streams = (
        RedactedStream(sys.stdout),
        RedactedStream(sys.stderr, silent=["Error executing job with overrides", "usage: "]),
    )
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):  # type: ignore[type-var]
        return _run(task, configuration)


def _run(task: Callable[[], object], configuration: type[Spec]) -> int:
    # Hydra would print its errors in several lines and exit 1; this hands them over instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _refuse_long_words(sys.argv[1:])
        _refuse_underscores(sys.argv[1:])
        refuse_typed_secrets(sys.argv[1:])
        sys.argv[1:] = [_with_runs_as_text(word) for word in sys.argv[1:]]
        task()
    except HeadwayError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(Interrupted("interrupted"))
    except BrokenPipeError:  # the reader of a pipe such as `| head` has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if _is_from_configuration(error):
            wrong = _wrong_overrides(sys.argv[1:], configuration, error)
            return _report(ConfigError(*(wrong or [_one_line(error)])))
        if isinstance(error, OSError):  # data files are checked where they are read: this is the run's own folder
            return _report(StorageError(f"{error.filename or 'the run folder'}: {error.strerror or error}"))
        traceback.print_exc()
        return 1
    return 0


def _refuse_long_words(arguments: Sequence[str]) -> None:
    wrong = [
        f"{argument[:60]}...: {len(argument):,} characters, and a word of the command has at most {_LONGEST_WORD:,}; "
        "put long lists into a yaml file of their group"
        for argument in arguments
        if len(argument) > _LONGEST_WORD
    ]
    if wrong:
        raise ConfigError(*wrong)


def _refuse_underscores(arguments: Sequence[str]) -> None:
    """Refuse 1_6, which Hydra's grammar would turn into 16."""
    numbers = [(argument, _UNDERSCORED.search(argument.partition("=")[2])) for argument in arguments]
    wrong = [
        f"{argument}: write {found[0]} without an underscore, or in quotes if it is text"
        for argument, found in numbers
        if found
    ]
    if wrong:
        raise ConfigError(*wrong)


def _with_runs_as_text(word: str) -> str:
    """A setting that names runs, with quotes around what Hydra's grammar would take for a number."""
    key, equals, value = word.partition("=")
    return f"{key}={_NUMBER.sub(lambda found: repr(found[0]), value)}" if equals and key in _NAMES_RUNS else word


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted("stopped by SIGTERM")


def _report(error: HeadwayError) -> int:
    kind = "" if isinstance(error, Interrupted) else "error: "  # an interruption is no error of anybody
    for message in error.messages[:_MOST_MESSAGES]:
        sys.stderr.write(f"{kind}{_shown(message)}\n")
    more = len(error.messages) - _MOST_MESSAGES
    if more > 0:
        sys.stderr.write(f"error: and {more:,} more like these\n")
    return error.exit_code


def _shown(message: str) -> str:
    """A message as one line of bounded length, whatever stands in the names and values that it repeats."""
    if not message.isprintable():
        message = "".join(
            one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in message
        )
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[: _LONGEST_MESSAGE - 300]} ... {message[-250:]}"


def _is_from_configuration(error: Exception) -> bool:
    """Whether Hydra, OmegaConf, their grammar or YAML refused what the user wrote, or failed at it."""
    if type(error).__module__.split(".")[0] in ("hydra", "omegaconf", "yaml", "antlr4") or str(error).startswith(
        "Config group override"
    ):
        return True
    # What is raised while Hydra composes, before our own task has begun, has no other reason.
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
    return any(name.startswith("hydra.") for name in names) and not any(
        name.partition(".")[0] in _OURS and name != _AROUND_HYDRA for name in names
    )


def _one_line(error: Exception) -> str:
    """Hydra's several lines as one, without advice that does not hold here."""
    text, options = str(error), getattr(error, "options", None)
    if options is not None and getattr(error, "missing_cfg_file", None):
        group, _, choice = str(error.missing_cfg_file).rpartition("/")  # type: ignore[attr-defined]
        close = difflib.get_close_matches(choice, options, n=1)
        return f"{group}={choice}: no such choice; {group} has {', '.join(options)}" + (
            f"; did you mean {close[0]}?" if close else ""
        )
    if several := re.match(r"Ambiguous value for argument '(.*)'", text):
        return f"{several[1]}: several values make a sweep: add -m; a list is written [a,b]"
    if "LexerNoViableAltException" in text:
        word = getattr(error, "override", None) or text.rpartition(": ")[2]
        return f"{word}: cannot be read; put text with special characters into quotes twice, like \"key='a b~c'\""
    if text.startswith("Error merging override ") and error.__cause__ is not None:
        return f"{text.removeprefix('Error merging override ')}: {str(error.__cause__).splitlines()[0]}"
    if isinstance(error, RecursionError):
        return "the command nests brackets deeper than can be read; write fewer"
    lines = [line.strip() for line in text.partition("Config search path:")[0].splitlines()]
    lines = [
        line
        for line in lines
        if line
        and not line.startswith(("full_key:", "object_type=", "To append", "See https", "Set the environment", "^"))
    ]
    place = getattr(error, "override", None) or getattr(error, "full_key", None)
    return (f"{place}: " if place else "") + " ".join(lines).replace("\t", " ")


def _wrong_overrides(arguments: Sequence[str], configuration: type[Spec], error: Exception) -> list[str]:
    """Messages for all command-line overrides whose key no spec has, or that name no file of a group."""
    known, free = list(known_keys(configuration)), list(free_keys(configuration))
    refused = getattr(error.__cause__, "full_key", None) or ""
    messages = []
    for argument in arguments:
        key, is_override, value = argument.partition("=")
        key = key.lstrip("+~").partition("@")[0]
        if not is_override or argument.startswith("-") or not key or key.startswith(_GROUPS_WITHOUT_KEY) or "/" in key:
            continue
        if any(f"{key}.".startswith(f"{prefix}.") for prefix in free):
            if f"{refused}.".startswith(f"{key}.") and not argument.startswith(("+", "~")):
                messages.append(f"{key}: not set yet; write +{argument} to add it")
        elif key not in known:
            messages.append(unknown_key(key, known))
        elif (
            str(error).startswith(("Config group override", f"Could not override '{key}'"))
            and f"{key}." in " ".join(known)
            and "." not in key
        ):
            messages.append(
                f"{argument}: names no file of the group {key}; to set one of its keys write {key}.<key>={value}"
            )
    return messages
