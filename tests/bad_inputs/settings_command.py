"""What the command line and yaml files themselves get wrong, and sizes that would exhaust the memory."""

from collections.abc import Callable
from pathlib import Path

from tests.bad_inputs.row import BadInput

MODEL = "defaults: [transformer, _self_]\n"
MINE = ("hydra.searchpath=[.]", "model=mine")
LONG = f"dataset.features=[{','.join(f'c{number}' for number in range(100_000))}]"


def row(name: str, message: str, *words: str, code: int = 2) -> BadInput:
    return BadInput(name, words, code, f"^error: {message}")


def yaml(text: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / "model").mkdir()
        (folder / "model/mine.yaml").write_text(text)

    return make


def too_large(setting: str, most: str) -> BadInput:
    key, _, value = setting.partition("=")
    return row(setting, f"{key}={value}: expected a number at most {most}", setting)


ROWS: list[BadInput] = [
    # Grammar.
    row("open bracket", r"model.heads=\[: no viable alternative", "model.heads=["),
    row(
        "brackets without end",
        "the command nests brackets deeper than can be read",
        f"model.heads={'[' * 900}{']' * 900}",
    ),
    row("no value", "model.heads: Error parsing override 'model.heads' missing EQUAL", "model.heads"),
    row("no key", "Config group override must be", "=4"),
    row("two equal signs", "model.heads=4=5: mismatched input '='", "model.heads=4=5"),
    row("open interpolation", r"seed=\$\{: .*expecting", "seed=${"),
    row("special characters", "dataset.path=~a: cannot be read; put text .* into quotes", "dataset.path=~a"),
    row("function that fails", "model.heads=int.'x'.: .*invalid literal", "model.heads=int('x')"),
    row("several values", "model.heads=4,8: several values make a sweep: add -m", "model.heads=4,8"),
    row("thousands of digits", "Exceeds the limit", f"seed={'9' * 5000}"),
    row("long word", "dataset.features=.* characters, and a word of the command has at most 20,000", LONG),
    row("underscore in a setting", "model.heads=1_6: write 1_6 without an underscore", "model.heads=1_6"),
    row("underscore in a list", r"model.quantiles=.*: write 1_0 without an underscore", "model.quantiles=[0.5,1_0]"),
    row("own zero", "seed=010: expected a whole number, got text", "seed=010"),
    row("no for false", "training.jit=no: expected true or false, got text", "training.jit=no"),
    # Keys and groups.
    row("misspelt key", "haeds: unknown key; did you mean model.heads?", "haeds=4"),
    row("added key", "model.foo: unknown key; model has attention,", "+model.foo=1"),
    row("forced key", "model.foo: unknown key; model has attention,", "++model.foo=1"),
    row("two misspelt keys", "haeds: unknown key; did you mean model.heads?", "haeds=4", "dataset.units.temp=K"),
    row("key below a number", "model.heads.x: unknown key; did you mean model.heads?", "model.heads.x=1"),
    row("number below a number", r"seed=\{'x': 1\}: expected a whole number, got a mapping", "+seed.x=1"),
    row("removed key", "seed: required but not set", "~seed"),
    row("removed group", "model: required but not set", "~model"),
    row("code to call", "model._target_: unknown key", "+model._target_=os.system"),
    row(
        "unknown choice",
        "dataset=nowhere: no such choice; dataset has csv, etth1, exchange_rate, nyc_",
        "dataset=nowhere",
    ),
    row("misspelt choice", "training=fats: no such choice; .*did you mean fast?", "training=fats"),
    row("number for a group", "model=5: names no file of the group model", "model=5"),
    row("mapping for a group", "dataset=.a:1.: names no file of the group dataset", "dataset={a:1}"),
    row("null for a group", "model=null: names no file of the group model", "model=null"),
    row("mapping for a list", "dataset.targets=.a:1.: ", "dataset.targets={a:1}"),
    row("not set yet", "dataset.units.a: not set yet; write .dataset.units.a=K", "dataset=csv", "dataset.units.a=K"),
    row("value still to be given", "seed: required but not set", "seed=???"),
    # Interpolation.
    row("loop", "seed: Recursive interpolation detected", "seed=${seed}"),
    row("unknown variable", "seed: KeyError raised while resolving interpolation", "seed=${oc.env:NO_SUCH_VARIABLE}"),
    row("unknown interpolation", "seed: Unsupported interpolation type foo", "seed=${foo:1}"),
    row("unknown key of an interpolation", "seed: Interpolation key 'nope' not found", "seed=${nope}"),
    # What configuration says and the file, or nothing, is there.
    row("missing file", r"nowhere\.csv: no such file", "dataset.path=nowhere.csv", code=3),
    row("underscores in a path", r"data_1_000\.csv: no such file", "dataset.path=data_1_000.csv", code=3),
    row(
        "misspelt target",
        r"data/nyc_weather_2013\.csv: no column 'tmep' \(dataset.targets\)",
        "dataset.targets=[tmep]",
        code=3,
    ),
    row("plain path for a store", "tracking.uri must start with sqlite:///", "tracking.uri=runs"),
    row("password in a wrong address", "tracking.uri must start .* got 'ftp://h/x'", "tracking.uri=ftp://u:secret@h/x"),
    row(
        "password in a long address",
        r"tracking.uri=http://\*\*\*@h: expected at most 200",
        f"tracking.uri=http://u:{'secret' * 40}@h",
    ),
    row(
        "strict and jit",
        "training.determinism=strict does not fit training.jit=true",
        "training.determinism=strict",
        "training.jit=true",
    ),
    # Patches, ensembles.
    row(
        "patches beside",
        "patches must fill the context: got model.patch_length=4",
        "model.patch_length=4",
        "model.patch_stride=3",
    ),
    row("patch too long", "patches must fill the context: got model.patch_length=7", "model.patch_length=7"),
    row("patches apart", "model: patch_stride must not exceed patch_length", "model.patch_stride=2"),
    row(
        "channels without embedding",
        "model: embedding=none feeds time steps as they are",
        "model.embedding=none",
        "model.channels=separate",
    ),
    row("no network", "training.ensemble=0: expected a number above 0", "training.ensemble=0"),
    row("average of nothing", "training.ema=1.0: expected a number below 1", "training.ema=1.0"),
    # Sizes.
    too_large("model.d_model=1000000000", "65536"),
    too_large("model.heads=1000000000", "1024"),
    too_large("model.key_dim=1000000000", "65536"),
    too_large("model.layers=1000000000", "1000"),
    too_large("model.feed_forward=1000000000", "1000000"),
    too_large("model.patch_length=1000000000", "100000"),
    too_large("windows.context_length=1000000000", "100000"),
    too_large("windows.horizon=1000000000", "100000"),
    too_large("windows.stride=10000000000", "1000000000"),
    too_large("splits.purge=10000000000", "1000000000"),
    too_large("training.batch_size=1000000000000", "1000000"),
    too_large("training.epochs=1000000000000", "1000000"),
    too_large("training.steps_per_execution=1000000000", "100000"),
    too_large("training.ensemble=1000000000", "64"),
    too_large("training.learning_rate=10000.0", "1000"),
    too_large("evaluation.batch_size=1000000000000", "1000000"),
    too_large("evaluation.bootstrap=1000000000", "1000000"),
    too_large("dataset.max_gap=1000000000000", "1000000"),
    too_large("dataset.season=1000000000000", "100000000"),
    too_large("dataset.calendar.year=1000000000", "1000"),
    too_large("sweep.n_trials=1000000000", "100000"),
    row(
        "sizes that are too large together",
        "model: these sizes make about 83,886,080,000 weights, and at most 2,000,000,000 are taken: lower d_model",
        "model.layers=1000",
        "model.d_model=4096",
        "model.feed_forward=2048",
    ),
    # yaml files of one's own.
    BadInput("key twice in yaml", MINE, 2, "^error: .*found duplicate key heads", yaml(MODEL + "heads: 4\nheads: 8\n")),
    BadInput("tab in yaml", MINE, 2, r"^error: .*found character '\\t' that cannot", yaml(MODEL + "\theads: 4\n")),
    BadInput("yes in yaml", MINE, 2, "^error: model.heads=true: expected a whole", yaml(MODEL + "heads: yes\n")),
    BadInput("open list in yaml", MINE, 2, "^error: .*expected ',' or ']'", yaml(MODEL + "heads: [4\n")),
    BadInput("misspelt key in yaml", MINE, 2, "^error: model.haeds: unknown key; did", yaml(MODEL + "haeds: 4\n")),
    BadInput(
        "endless number in yaml", MINE, 2, "^error: model.head=a number of", yaml(MODEL + f"head: 0x{'f' * 5000}\n")
    ),
    BadInput("object in yaml", MINE, 2, "^error: .*constructor", yaml(MODEL + "heads: !!python/object:os.system {}\n")),
]
