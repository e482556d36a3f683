"""What the machine does while a run trains: processor, memory, network, graphics card."""

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import psutil

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
_MEGABYTE = 1e6


class Sink(Protocol):
    """What takes a sample: the run's own list of them, which the mirror follows."""

    def __call__(self, metrics: dict[str, float], *, step: int, time: float) -> None: ...


class SystemMetrics:
    """Samples in a thread of its own, from `start` to `stop`.

    MLflow's own monitor is not used: it asks the store for the run's status at every sample, outside of our circuit breaker, and so
    would hold the end of a run for many seconds when a server is gone. The names are its names, which the UI's tab is made for.

    Args:
        sink: Takes every sample.
        interval: Seconds between two samples.
        first_step: The number of the first sample; those of a run that goes on are counted on.
    """

    def __init__(self, sink: Sink, *, interval: float = INTERVAL_SECONDS, first_step: int = 0) -> None:
        self._first_step = first_step
        self._sink = sink
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="system-metrics", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for a sample under way, but not for a stuck one."""
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _sample(self) -> None:
        try:
            graphics = _graphics_cards()
            psutil.cpu_percent()  # the first answer is always 0: it measures since the call before
            network = psutil.net_io_counters()
            step = self._first_step
            while not self._stop.wait(self._interval):
                memory = psutil.virtual_memory()
                traffic = psutil.net_io_counters()
                sample = {
                    "system/cpu_utilization_percentage": psutil.cpu_percent(),
                    "system/system_memory_usage_megabytes": memory.used / _MEGABYTE,
                    "system/system_memory_usage_percentage": memory.percent,
                    "system/process_memory_megabytes": psutil.Process().memory_info().rss / _MEGABYTE,
                }
                if traffic is not None and network is not None:
                    sample["system/network_receive_megabytes"] = (traffic.bytes_recv - network.bytes_recv) / _MEGABYTE
                    sample["system/network_transmit_megabytes"] = (traffic.bytes_sent - network.bytes_sent) / _MEGABYTE
                self._sink(sample | graphics(), step=step, time=time.time())
                step += 1
        except Exception as error:  # a container without /proc, a card that went away, a required store that failed: no reason to end a run
            log.debug("System metrics end: %s", error)


def _graphics_cards() -> Callable[[], dict[str, float]]:
    # pynvml comes with MLflow's GPU users only, and raises on a machine without a card.
    try:
        pynvml = importlib.import_module("pynvml")
        pynvml.nvmlInit()
        cards: list[Any] = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except Exception as error:
        log.debug("No graphics card is sampled: %s", error)
        return dict

    def sample() -> dict[str, float]:
        values = {}
        for index, card in enumerate(cards):
            memory = pynvml.nvmlDeviceGetMemoryInfo(card)
            values[f"system/gpu_{index}_utilization_percentage"] = float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
            values[f"system/gpu_{index}_memory_usage_megabytes"] = memory.used / _MEGABYTE
            values[f"system/gpu_{index}_memory_usage_percentage"] = memory.used / memory.total * 100
        return values

    return sample
