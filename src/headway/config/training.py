"""The training group: how weights are fitted."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from headway.config.spec import Spec

Count = Annotated[PositiveInt, Field(le=1_000_000)]


class TrainingSpec(Spec):
    """How the weights are fitted.

    Attributes:
        epochs: Passes over the training windows, at most.
        batch_size: Windows per step.
        optimizer: Name of the update rule.
        learning_rate: Its highest value, reached after the warm-up.
        schedule: "cosine" decays to zero over all epochs; "constant" stays after the warm-up.
        warmup: Share of all steps over which the learning rate rises from zero.
        weight_decay: Decoupled decay per step, times the learning rate.
        gradient_clip: Largest global norm of a gradient.
        ema: Momentum of a moving average of the weights, over steps; validation and the forecaster take the average.
            0 takes the weights as they are.
        ensemble: Networks that are trained one after another from seeds of their own; the forecaster is all of
            them, its quantiles the means of theirs.
        loss: "pinball" for the quantile head, "mae" or "mse" for the point head, "auto" for what fits.
        patience: Epochs without a better validation loss before training stops.
        steps_per_execution: Steps the backend runs per call from Python; None is 16 on a CPU, and all up to the next
            checkpoint on a GPU.
        precision: "auto" takes what the device is good at.
        loss_scale: Float16's first loss scale; it halves where a gradient overflows, and doubles after 2,000 good steps.
        jit: Compile the step with XLA.
        determinism: "seeded" draws everything from the run's seed; "strict" also takes only operations that give the
            same bits every time; "off" draws a seed of its own for every run.
        checkpoint_steps: Steps between two checkpoints; what a kill costs at most.
    """

    epochs: Count
    batch_size: Annotated[PositiveInt, Field(le=1_000_000)]
    optimizer: Literal["adamw", "adam", "sgd"]
    learning_rate: Annotated[PositiveFloat, Field(le=1000)]
    schedule: Literal["cosine", "constant"]
    warmup: float = Field(ge=0, lt=1)
    weight_decay: Annotated[NonNegativeFloat, Field(le=1000)]
    gradient_clip: Annotated[PositiveFloat, Field(le=1e30)]
    ema: float = Field(ge=0, lt=1)
    ensemble: PositiveInt = Field(le=64)
    loss: Literal["auto", "pinball", "mae", "mse"]
    patience: Count
    steps_per_execution: Annotated[PositiveInt, Field(le=100_000)] | None
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    loss_scale: float = Field(ge=1, le=2**24)
    jit: bool
    determinism: Literal["off", "seeded", "strict"]
    checkpoint_steps: Annotated[PositiveInt, Field(le=1_000_000_000)]
