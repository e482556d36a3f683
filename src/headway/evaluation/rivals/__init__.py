"""Rivals: one file each, named as in `evaluation.rivals`, with its class as `RIVAL`.

To add one, write such a file and name it in `conf/evaluation/default.yaml`.
"""

from importlib import import_module

from headway.evaluation.cases import Rival


def make(name: str) -> Rival:
    """A rival by name, not fitted yet; what it needs (scikit-learn, say) is imported only here."""
    rival: Rival = import_module(f"{__name__}.{name}").RIVAL()
    return rival
