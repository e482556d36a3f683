"""The figures of a comparison as a table in Markdown: medians over repeats, the fastest first."""

import statistics
from dataclasses import dataclass

from systems import COUNTED, SYSTEMS, System, in_words

HEAD = (
    "| system | windows/s, wall | windows/s, CPU | share of the matrix rate | MFLOP a window | peak memory, MB | first step, s |\n"
    "|---|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class Row:
    """A system on so many cores.

    Attributes:
        wall, cpu: Windows per second, medians.
        spread: Of `wall`, from the slowest to the fastest repeat, over the median.
        share: Arithmetic of the windows per second over the matrix rate that the same process measured.
        flops: Arithmetic of the matrix products of training on one window.
        peak: Megabytes.
        first_step: Seconds from the command to the end of the first step.
        failed: Why there is no figure; others are 0 then.
    """

    system: System
    wall: float = 0.0
    cpu: float = 0.0
    spread: float = 0.0
    share: float = 0.0
    flops: float = 0.0
    peak: float = 0.0
    first_step: float = 0.0
    failed: str = ""


def rows(results: dict, cores: int) -> list[Row]:
    """All systems that ran on so many cores, the fastest first."""
    found = []
    for system in SYSTEMS:
        runs = [run for run in results["runs"] if run["system"] == system.key and run["cores"] == cores]
        good = [run for run in runs if "windows" in run]
        if good:
            wall = [run["windows"] / run["wall"] for run in good]
            found.append(
                Row(
                    system,
                    wall=statistics.median(wall),
                    cpu=statistics.median(run["windows"] / run["cpu"] for run in good),
                    spread=(max(wall) - min(wall)) / statistics.median(wall),
                    share=statistics.median(
                        speed * run["flops_per_window"] / run["matrix_rate"]
                        for speed, run in zip(wall, good, strict=True)
                    ),
                    flops=good[0]["flops_per_window"],
                    peak=statistics.median(run["peak_megabytes"] for run in good),
                    first_step=statistics.median(run["first_step"] for run in good),
                )
            )
        elif runs:
            found.append(Row(system, failed=runs[0]["failed"]))
    return sorted(found, key=lambda row: -row.wall)


def markdown(results: dict) -> str:
    """A table for each number of cores, what differs in the models, and where and how it was measured."""
    parts = []
    for cores in results["cores"]:
        parts.append(f"{in_words(cores).capitalize()}:\n\n{HEAD}")
        parts[-1] += "".join(f"\n{_line(row)}" for row in rows(results, cores))
    parts.append("The models differ:")
    parts.append("\n".join(f"- {system.name}: {system.differs}." for system in _measured(results)))
    parts.append(COUNTED)
    parts.append(_source(results))
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    if row.failed:
        return f"| {row.system.name} | {row.failed.replace('|', '/')} | | | | | |"
    name = f"**{row.system.name}**" if row.system.ours else row.system.name
    return (
        f"| {name} | {row.wall:,.0f} | {row.cpu:,.0f} | {row.share:.0%} | {row.flops / 1e6:.2f} "
        f"| {row.peak:,.0f} | {row.first_step:.1f} |"
    )


def _measured(results: dict) -> list[System]:
    """Each model once, however it is loaded."""
    keys = {run["system"] for run in results["runs"]}
    return list({system.differs: system for system in reversed(SYSTEMS) if system.key in keys}.values())[::-1]


def _source(results: dict) -> str:
    good = [run for run in results["runs"] if "windows" in run]
    versions = sorted({f"{name} {number}" for run in good for name, number in run["versions"].items()})
    rate = ", ".join(
        f"{max(run['matrix_rate'] for run in good if run['cores'] == cores) / 1e9:.0f} GFLOP/s on {cores}"
        for cores in results["cores"]
        if any(run["cores"] == cores for run in good)
    )
    spread = max((row.spread for cores in results["cores"] for row in rows(results, cores)), default=0.0)
    systems = f" --systems {' '.join(results['systems'])}" if results["systems"] else ""
    return (
        f"Measured {results['date']} on {results['processor']}: medians of {results['repeats']} repeats of "
        f"{results['seconds']:g} s, which differ by up to {spread:.0%}; matrix rate at 1536 x 64 x 64 at best {rate}; "
        f"Python {results['python']}, {', '.join(versions)}. Command: `python benchmarks/peers/compare.py "
        f"--cores {' '.join(map(str, results['cores']))} --seconds {results['seconds']:g} --repeats {results['repeats']}{systems}`, with `--python` of the peers' environment."
    )
