"""How training went, and what it cost."""

from collections.abc import Mapping

from headway.report.page import Facts, Picture, Section
from headway.report.training import learning_curves

_COSTS = {
    "train/seconds": ("training", "{:.0f} s"),
    "train/windows_per_second": ("speed of training", "{:,.0f} windows a second in its last epoch"),
    "train/peak_memory_megabytes": ("memory", "{:,.0f} MB at most, tracking included"),
    "weights": ("weights", "{:,.0f}"),
    "evaluation/seconds": ("judging", "{:.0f} s, rivals included"),
    "explanation/seconds": ("explaining attention", "{:.0f} s"),
}


def section(curves: Mapping[str, list[float]], best_epoch: int, metrics: Mapping[str, float]) -> Section:
    """The section on training."""
    costs = {name: template.format(metrics[path]) for path, (name, template) in _COSTS.items() if path in metrics}
    epochs = len(next(iter(curves.values()), []))
    picture = Picture(
        learning_curves(dict(curves), best_epoch=best_epoch),
        alt=f"Loss of training and validation over {epochs} epoch{'s' * (epochs > 1)}",
        caption=f"The weights of epoch {best_epoch} are kept, the best on validation.",
    )
    return Section("training", "Training and cost", "", [*([Facts(costs)] if costs else []), picture])
