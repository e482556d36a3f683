"""Which systems are compared, what differs in their models, and how a window is counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """A system and how it is started.

    Attributes:
        key: Short name for the command line.
        name: In tables and pictures.
        script: In this folder; its docstring says how the system was set up.
        differs: In its model and feed, from Headway's default.
        arguments: Of the script.
        peer: Whether it runs in the peers' environment instead of Headway's.
        least_cores: Below them it is left out.
    """

    key: str
    name: str
    script: str
    differs: str
    arguments: tuple[str, ...] = ()
    peer: bool = False
    least_cores: int = 1

    @property
    def ours(self) -> bool:
        """Whether it is Headway."""
        return self.script == "headway_model.py"


_DARTS = "encoder and a decoder that sees the true steps ahead; eight features; point forecast"
_TFT = "LSTMs, gates and variable selection beside attention; eight features; five quantiles"
SYSTEMS = (
    System(
        "headway-tensorflow",
        "Headway on TensorFlow",
        "headway_model.py",
        "eight features with marks of missing values, calendar known ahead, series; decoder per step; five quantiles",
        ("tensorflow",),
    ),
    System(
        "headway-jax",
        "Headway on JAX",
        "headway_model.py",
        "as on TensorFlow",
        ("jax",),
    ),
    System(
        "headway-tensorflow-direct",
        "Headway on TensorFlow, direct decoder",
        "headway_model.py",
        "all steps ahead by one linear map, else the same",
        ("tensorflow-direct",),
    ),
    System(
        "headway-jax-direct",
        "Headway on JAX, direct decoder",
        "headway_model.py",
        "as with the direct decoder on TensorFlow",
        ("jax-direct",),
    ),
    System(
        "keras-gathered",
        "Keras script, gathered windows",
        "keras_gathered.py",
        "eight features; one linear map; point forecast; all windows stacked in memory, 16 steps an execution",
    ),
    System(
        "keras-timeseries",
        "Keras script, timeseries_dataset_from_array",
        "keras_timeseries.py",
        "eight features; one linear map; point forecast",
    ),
    System(
        "darts",
        "darts TransformerModel",
        "darts_transformer.py",
        _DARTS,
        peer=True,
    ),
    System(
        "darts-worker",
        "darts TransformerModel, one loader process",
        "darts_transformer.py",
        _DARTS,
        ("--workers", "1"),
        peer=True,
        least_cores=2,
    ),
    System(
        "neuralforecast-vanilla",
        "neuralforecast VanillaTransformer",
        "neuralforecast_models.py",
        "encoder and decoder over nine steps; sees the target alone; point forecast",
        ("VanillaTransformer",),
        peer=True,
    ),
    System(
        "neuralforecast-patchtst",
        "neuralforecast PatchTST",
        "neuralforecast_models.py",
        "seven patches of one step; sees the target alone; point forecast",
        ("PatchTST",),
        peer=True,
    ),
    System(
        "pytorch-forecasting",
        "pytorch-forecasting TFT",
        "pytorch_forecasting_tft.py",
        _TFT,
        peer=True,
    ),
    System(
        "pytorch-forecasting-worker",
        "pytorch-forecasting TFT, one loader process",
        "pytorch_forecasting_tft.py",
        _TFT,
        ("--workers", "1"),
        peer=True,
        least_cores=2,
    ),
)
COUNTED = (
    "A window is 6 rows of context and the 6 that follow, counted when a step has trained on it: 256 a step in every system, "
    "drawn by neuralforecast from the 300 windows of a few pieces of series; the two Keras scripts also train on the smaller "
    "batch that ends an epoch. CPU time is that of all threads and loader processes. The share is the arithmetic of the "
    "model's matrix products, forward and backward, over the rate of products of 1536 x 64 x 64 that the same process reached "
    "in NumPy or its framework, whichever is faster. The first step ends so long after the command: imports, data, compilation; "
    "Headway reads and checks the csv, the others are handed its rows as arrays."
)


def in_words(cores: int) -> str:
    """'one core', 'two cores', '3 cores'."""
    return {1: "one core", 2: "two cores"}.get(cores, f"{cores} cores")
