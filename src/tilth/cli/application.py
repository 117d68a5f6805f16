"""The table of commands and the one place where errors become messages and exit statuses."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from cyclopts import App, CycloptsError, Group, UnusedCliTokensError

import tilth
from tilth.cli.reading import Reading
from tilth.cli.streams import say
from tilth.errors import TilthError

__all__ = ["COMMANDS", "INTERRUPTED", "main", "make_application"]

INTERRUPTED = 130
BUG = 70

COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("A project", "tilth.cli.project:init", "Write a project from a data file."),
    "run": ("A project", "tilth.cli.project:run", "Carry out the pipeline; skip what has not changed."),
    "tune": ("A project", "tilth.cli.tuning:tune", "Search for better parameters."),
    "status": ("A project", "tilth.cli.project:status", "Where the project stands, on one screen."),
    "runs": ("A project", "tilth.cli.project:runs", "The runs and what is recorded of them."),
    "report": ("A project", "tilth.cli.reporting:report", "What a run came to, as a page: curves, advice."),
    "errors": ("A project", "tilth.cli.erring:summary", "The mistakes, their tags, what to work on first."),
    "errors list": ("errors", "tilth.cli.erring:list_mistakes", "The mistakes, the surest first."),
    "errors tag": ("errors", "tilth.cli.erring:tag", "Tag rows by hand or by a rule."),
    "errors weigh": ("errors", "tilth.cli.erring:weigh", "How well people do on a tag, and what it matters."),
    "errors suggest": ("errors", "tilth.cli.erring:suggest", "Propose tags: where the model is worse."),
    "errors export": ("errors", "tilth.cli.erring:export", "Mistakes as a file to tag in a spreadsheet."),
    "errors import": ("errors", "tilth.cli.erring:import_tags", "Read tags back from such a file."),
    "errors page": ("errors", "tilth.cli.erring:page", "Look at mistakes and tag them in the browser."),
    "explain": ("A project", "tilth.cli.explaining:explain", "What a model goes by, and why it says so."),
    "compare-runs": ("A project", "tilth.cli.project:compare_two_runs", "What differs between two runs."),
    "reproduce": ("A project", "tilth.cli.project:reproduce", "Do a run again: is the result identical?"),
    "lineage": ("A project", "tilth.cli.project:lineage", "What made this, and what was made from it."),
    "serve": ("In production", "tilth.cli.production:serve", "Serve the champion over HTTP."),
    "monitor": ("In production", "tilth.cli.production:monitor", "Compare what was served with training."),
    "monitor export": (
        "monitor",
        "tilth.cli.monitor_exporting:export",
        "What Prometheus and Grafana need, as files.",
    ),
    "log": ("In production", "tilth.cli.prediction_log:show", "What was predicted, the newest first."),
    "log compact": (
        "log",
        "tilth.cli.prediction_log:compact",
        "Parquet of the log; without the old.",
    ),
    "materialize": ("In production", "tilth.cli.materializing:materialize", "Store features for look-ups."),
    "token": ("In production", "", "The tokens that the server lets in: make, list, revoke."),
    "token create": ("token", "tilth.cli.tokens:create", "Make a token and print it, this once."),
    "token list": ("token", "tilth.cli.tokens:list_tokens", "The tokens, what they allow, until when."),
    "token revoke": ("token", "tilth.cli.tokens:revoke", "Take a token out; servers follow at once."),
    "promote": ("In production", "tilth.cli.production:promote", "Make a model version the champion."),
    "audit": ("In production", "tilth.cli.auditing:audit", "Measure a model's risks before it goes out."),
    "audit sign": ("audit", "tilth.cli.auditing:sign", "Sign risks whose bounds hold."),
    "audit init": ("audit", "tilth.cli.auditing:init", "Write a first audit.toml."),
    "rollback": ("In production", "tilth.cli.production:rollback", "Go back to the champion before."),
    "predict": ("In production", "tilth.cli.production:predict", "Predict a whole table."),
    "bench": ("In production", "tilth.cli.benching:bench", "What a model costs: latency, memory, size."),
    "profile": ("Any data", "tilth.cli.profiling:profile", "Statistics of every column."),
    "schema": ("Any data", "tilth.cli.profiling:schema", "Infer a schema."),
    "validate": ("Any data", "tilth.cli.validating:validate", "Check data against a schema."),
    "compare": ("Any data", "tilth.cli.comparing:compare", "Drift and skew between two data sets."),
    "split": ("Any data", "tilth.cli.splitting:split", "Deal rows to train, dev and test."),
    "embed": ("Any data", "tilth.cli.embedding:embed", "A picture of all rows: PCA, t-SNE, UMAP."),
    "join": ("Any data", "tilth.cli.joining:join", "Join features as they were known at the time."),
    "select": ("Any data", "tilth.cli.selecting:select", "Which columns a model needs, by every method."),
    "evaluate": ("Any data", "tilth.cli.evaluating:evaluate", "Metrics of predictions, by slice."),
    "data": ("Any data", "", "Keep data sets as versions, list them, bring them back."),
    "data save": ("data", "tilth.cli.datasets:save", "Keep data as the next version of a name."),
    "data list": ("data", "tilth.cli.datasets:list_versions", "The data sets and their versions."),
    "data export": ("data", "tilth.cli.datasets:export", "Bring a version back as a file."),
}
"""Every command: its group, where its function is, what it does. Nothing is imported before it is called.

A command of two words belongs to the one that is its group, which may have a function of its own.
"""


def make_application(called: str | None = None) -> App:
    """The command line as cyclopts sees it.

    Args:
        called: the command that is called; only its own function is loaded where others belong to it.
    """
    application = App(
        name="tilth",
        help="The whole loop of machine learning in production. Start with: tilth init DATA --label COLUMN",
        version=tilth.__version__,
        help_format="plaintext",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    groups = {name: Group.create_ordered(name) for name, _, _ in COMMANDS.values()}
    families: dict[str, App] = {}
    for name, (group, target, text) in COMMANDS.items():
        if name in groups:
            families[name] = App(name=name, help=text, group=groups[group], help_format="plaintext")
            application.command(families[name])
            if target and name == called:
                families[name].default(_loaded(target))
        elif group in families:
            families[group].command(target, name=name.removeprefix(f"{group} "), help=text)
        else:
            application.command(target, name=name, help=text, group=groups[group])
    return application


def _loaded(target: str) -> Callable[..., int]:
    module, _, name = target.partition(":")
    function: Callable[..., int] = getattr(importlib.import_module(module), name)
    return function


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done and every check passed. 1: a check failed. 2: bad usage or bad input, with one message.
    70: a mistake in Tilth itself. 130: interrupted. `--debug` anywhere shows tracebacks. Whether somebody
    reads the output to its end changes nothing.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # NumPy's idle threads would spin on every core for a while; this process decides for itself alone.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    given = [argument for argument in given if argument != "--debug"]
    Reading.begin()
    try:
        status = make_application(given[0] if given else None)(given)
    except (TilthError, CycloptsError) as error:
        return _complain(error, debug)
    except KeyboardInterrupt:
        say("interrupted; nothing is left half-written, and the same command can be given again")
        return INTERRUPTED
    except SystemExit:
        # So rich ends when the reader of --help has seen enough.
        return 0
    except (OSError, MemoryError) as error:
        return _complain(error, debug)
    except Exception as error:  # noqa: BLE001 - the last place before the interpreter prints a traceback
        if debug:
            traceback.print_exc()
        say(f"error: this is a mistake in Tilth, not in your work: {type(error).__name__}: {error}")
        say("  to mend it: run the command again with --debug and report what it prints")
        return BUG
    return status if isinstance(status, int) else 0


def _complain(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    say(f"error: {_words(error)}")
    return error.exit_status if isinstance(error, TilthError) else 2


def _words(error: Exception) -> str:
    """What went wrong in the words of people, where the library's own are those of programmers."""
    if isinstance(error, UnusedCliTokensError):
        return f"too many arguments: {' '.join(error.unused_tokens or ())}"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}\n  where: {error.filename}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or "there is not enough memory"
