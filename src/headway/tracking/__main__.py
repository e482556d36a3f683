"""`python -m headway.tracking ui` shows the runs in MLflow's UI; `... sync` sends to MLflow what it lacks of them."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from headway.errors import HeadwayError
from headway.tracking import sync, uri

log = logging.getLogger("headway.tracking")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C, or send what is missing.

    Args:
        arguments: The command line without the program, or None for the real one.

    Returns:
        The exit code: 0, 2 for a wrong URI or port, 4 for a missing database or run, 6 for a run folder that cannot be written,
        7 for a store that cannot be reached.
    """
    parser = argparse.ArgumentParser(prog="python -m headway.tracking", description="Headway's runs in MLflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    ui = commands.add_parser("ui", help="start the MLflow server on this machine and print where to look")
    ui.add_argument("--uri", default="sqlite:///mlflow.db", help="the database (default: %(default)s)")
    ui.add_argument("--port", type=int, default=5000, help="the port (default: %(default)s)")
    missing = commands.add_parser("sync", help="send to MLflow what it lacks of the runs in ./runs, and nothing twice")
    missing.add_argument("run", nargs="*", help="id, name or beginning of an id; by default every run meant for MLflow")
    missing.add_argument("--uri", help="the store (default: the one that each run was meant for)")
    missing.add_argument("--experiment", help="the experiment (default: the one that each run was meant for)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        if options.command == "sync":
            _send(options.run, options.uri, options.experiment)
        else:
            _serve(uri.resolve(options.uri), options.port)
    except KeyboardInterrupt:
        log.info("Stopped.")
    except HeadwayError as error:
        log.error("%s", error)
        return error.exit_code
    return 0


def _serve(store: str, port: int) -> None:
    # Imported here, because mlflow takes five seconds to load, which --help and a wrong URI must not pay.
    from headway.tracking import server

    first, *others = server.links(store, port=port)
    # Being asked to end is the same as Ctrl-C: the server must not outlive us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server.serving(store, port=port) as process:
        log.info("Open %s", first)
        for link in others:
            log.info("  or %s", link)
        log.info("Ctrl-C stops the server.")
        process.wait()


def _send(runs: Sequence[str], store: str | None, experiment: str | None) -> None:
    found = False
    for line in sync.sync(runs, store=store, experiment=experiment):
        found = True
        log.info("%s", line)
    if not found:
        log.info("There is no run in %s that was meant for MLflow.", Path("runs").absolute())


if __name__ == "__main__":
    sys.exit(main())
