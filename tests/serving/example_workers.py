"""The small model of example_server behind several workers.

    python example_workers.py LOG_DIRECTORY WORKERS [--broken FILE]

prints "listening HOST PORT" once all workers answer. Workers that start while FILE is there fail.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from example_server import income_model, income_schema, say

from tilth.errors import TilthError
from tilth.serving import ServingSettings, create_app, fixed_model, serve
from tilth.serving.listening import listen
from tilth.serving.meter_blocks import meter_folder
from tilth.serving.metering import Meters
from tilth.serving.supervision import supervise
from tilth.serving.workers import Seat
from tilth.tables import FeedbackLog, PredictionLog


def answer(directory: Path, broken: Path | None, seat: Seat) -> None:
    """One worker."""
    if broken is not None and broken.exists():
        raise TilthError("it is broken")
    settings = ServingSettings(poll_interval_s=0.05)
    log, feedback, meters = PredictionLog(directory), FeedbackLog(directory), Meters(seat.folder)
    model = fixed_model(income_model())
    app = create_app(
        model, log, feedback, income_schema(), settings=settings, meters=meters, folder=seat.folder
    )
    try:
        serve(app, settings=settings, listener=seat.listeners["http"], started=lambda *_: seat.started())
    finally:
        log.close()
        feedback.close()
        meters.close()


def main() -> None:
    """Supervise until told to stop."""
    import example_workers  # what a worker does must be found by name in another process

    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("workers", type=int)
    parser.add_argument("--broken", type=Path)
    arguments = parser.parse_args()
    sockets = listen("127.0.0.1", 0, arguments.workers)
    with meter_folder() as folder:
        supervise(
            partial(example_workers.answer, arguments.directory, arguments.broken),
            {"http": sockets},
            folder=folder,
            started=lambda: say("listening {} {}".format(*sockets[0].getsockname())),
        )
    say("ended")


if __name__ == "__main__":
    try:
        main()
    except TilthError as error:
        sys.exit(str(error))
