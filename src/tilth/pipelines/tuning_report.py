"""What a search has shown, for people, programs and tilth.toml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tilth.errors import CheckFailed, UsageError
from tilth.pipelines.tuning_page import Shown, page
from tilth.pipelines.tuning_search import Search, merged
from tilth.projects import Project
from tilth.projects.train_section import training_lines, with_training
from tilth.training.tuning import COSTS, Choice, Lead, Trial, grid_size
from tilth.types import JSONObject
from tilth.wording import aligned

__all__ = ["TuneReport"]

_SHOWN = 10
_MOST_COLUMNS = 4
_UNITS = {"latency_us": "latency us", "memory_mb": "memory MB", "size_mb": "size MB"}


@dataclass(frozen=True)
class TuneReport:
    """What all trials of a search have shown so far.

    Args:
        project: whose.
        run: the number of the run that made this report.
        search: what was searched.
        trials: by number.
        total: how many there should be.
        before: how many there were before this run.
        lead: how far the best one is ahead of what tilth.toml says; None if that is the best, or not known.
        importances: estimator -> parameter -> share of the differences that it explains.
        code: the version of the code that did the trials.
    """

    project: Project
    run: int
    search: Search
    trials: tuple[Trial, ...]
    total: int
    before: int
    lead: Lead | None
    importances: Mapping[str, Mapping[str, float]] = field(hash=False)
    code: str

    @property
    def best(self) -> Trial | None:
        """The best trial within all bounds."""
        return self.search.aim.best(self.trials)

    @property
    def front(self) -> list[Trial]:
        """With a second aim, the trials among which a person must choose."""
        return self.search.aim.front(self.trials)

    @property
    def failure(self) -> CheckFailed | None:
        """The error to end with where no trial may be used."""
        if self.best is not None:
            return None
        ranked = self.search.aim.ranked(self.trials)
        if not ranked:
            return CheckFailed(
                "no trial is complete yet",
                where=", ".join(f"{count} {state}" for state, count in self._states().items()) or None,
                mend="give it more time or trials; `tilth tune` goes on with what was done",
            )
        bounds = ", ".join(f"{name} <= {bound:g}" for name, bound in self.search.aim.constraints.items())
        nearest = ", ".join(f"{name} {value:.4g}" for name, value in ranked[0].costs.items())
        return CheckFailed(
            f"no trial keeps within {bounds}",
            where=f"trial {ranked[0].number} comes nearest: {nearest}",
            mend="widen [tune] constraints, or search smaller models under [tune.parameters]",
        )

    def chosen(self, number: int | None = None) -> Trial:
        """The trial to use: the best, or that of a number.

        Raises:
            CheckFailed: no trial may be used.
            UsageError: there is no complete trial of that number.
        """
        if number is None:
            if self.failure is not None:
                raise self.failure
            assert self.best is not None
            return self.best
        found = [trial for trial in self.trials if trial.number == number and trial.is_complete]
        if not found:
            raise UsageError(
                f"there is no complete trial {number}",
                where="--trial",
                expected="one of " + ", ".join(str(t.number) for t in self.trials if t.is_complete),
            )
        return found[0]

    def toml(self, number: int | None = None) -> str:
        """The text of tilth.toml with the estimator and parameters of a trial; see `chosen`."""
        trial = self.chosen(number)
        text = (self.project.directory / "tilth.toml").read_bytes().decode()
        parameters = merged(self.project.configuration, trial.proposal)
        return with_training(text, trial.proposal.estimator, parameters)

    def lines(self, number: int | None = None) -> str:
        """The lines of tilth.toml that say the same; see `chosen`."""
        proposal = self.chosen(number).proposal
        return training_lines(proposal.estimator, merged(self.project.configuration, proposal))

    def to_json(self) -> JSONObject:
        """The report as JSON values."""
        aim, best = self.search.aim, self.best
        return {
            "run": self.run,
            "search": self.search.digest,
            "metric": aim.metric,
            "constraints": dict(aim.constraints),
            "second": aim.second or None,
            "total": self.total,
            "states": dict(self._states()),
            "best": None if best is None else best.to_json(),
            "parameters": None
            if best is None
            else json.loads(json.dumps(merged(self.project.configuration, best.proposal))),
            "lead": None if self.lead is None else self.lead.to_json(),
            "front": [trial.number for trial in self.front],
            "importances": {name: dict(found) for name, found in self.importances.items()},
            "trials": [trial.to_json() for trial in self.trials],
        }

    def report(self) -> str:
        """The report for people."""
        return "\n".join(self._lines())

    def html(self) -> str:
        """The page of the search; see `tilth.pipelines.tuning_page`."""
        best = self.best
        return page(
            Shown(
                title=f"{self.project.name}: search",
                sentences=[*self._verdict(), *self._advice()],
                lines=None if best is None or best.number == 0 else self.lines(),
                spaces=self.search.spaces,
                aim=self.search.aim,
                trials=self.trials,
                total=max(self.total, len(self.trials)),
                importances=self.importances,
            )
        )

    def _lines(self) -> Iterator[str]:
        if any(trial.is_complete for trial in self.trials):
            yield from aligned(self._table())
            yield ""
        told = ", ".join(f"{count} {state}" for state, count in self._states().items()) or "none was begun"
        before = f"; {self.before} from before" if self.before else ""
        yield f"{len(self.trials)} of {max(self.total, len(self.trials))} trials: {told}{before}"
        if len(self.trials) < self.total and grid_size(self.search.spaces) <= len(self.trials):
            yield "there is nothing else to try: every combination was"
        for trial in self.trials:
            if trial.state == "failed":
                yield f"  trial {trial.number} failed: {trial.note}"
        yield from self._advice()
        yield ""
        yield from self._verdict()

    def _advice(self) -> Iterator[str]:
        if self.front:
            numbers = ", ".join(f"trial {trial.number}" for trial in self.front)
            yield f"no trial is better in one and not worse in the other than: {numbers}"
        for name, found in self.importances.items():
            if found:
                most = ", ".join(f"{parameter} {share:.0%}" for parameter, share in list(found.items())[:4])
                yield f"what matters of {name}: {most}"

    def _verdict(self) -> Iterator[str]:
        best = self.best
        if best is None:
            yield "no trial may be used" if self.failure is None else self.failure.what
            return
        yield f"best: trial {best.number}, {self.search.aim.metric} {best.score} on the dev part"
        if best.number == 0:
            yield "no trial is better than what tilth.toml says now"
        elif self.lead is not None and (self.lead.difference.value or 0.0) < 0:
            yield f"what tilth.toml says now is above a bound; against it {self.lead.difference}"
        elif self.lead is not None:
            yield f"ahead of what tilth.toml says now by {self.lead}"

    def _table(self) -> list[tuple[str, ...]]:
        """The best trials, and trial 0 and the front where they are not among them."""
        ranked = self.search.aim.ranked(self.trials)
        shown = ranked[:_SHOWN] + [trial for trial in ranked[_SHOWN:] if trial.number == 0]
        shown += [trial for trial in self.front if trial not in shown]
        costs = [name for name in COSTS if any(name in trial.costs for trial in shown)]
        names = self._shown_parameters()
        several = ["estimator"] if len(self.search.spaces) > 1 else []
        head = ("trial", self.search.aim.metric, *(_UNITS[n] for n in costs), "seconds", *several, *names)
        rows = [
            (
                f"{trial.number}{'' if self.search.aim.allows(trial) else ' (above a bound)'}",
                str(trial.score),
                *(f"{trial.costs[name]:,.4g}" if name in trial.costs else "" for name in costs),
                "" if trial.seconds is None else f"{trial.seconds:.1f}",
                *(trial.proposal.estimator for _ in several),
                *self._values(trial, names),
            )
            for trial in shown
        ]
        return [head, *rows]

    def _shown_parameters(self) -> list[str]:
        """Those that matter most, as far as that is known; else the first ones."""
        shares: dict[str, float] = {}
        for estimator, space in self.search.spaces.items():
            own = self.importances.get(estimator, {})
            for name, values in space.items():
                if not (isinstance(values, Choice) and len(values.values) == 1):
                    shares[name] = max(shares.get(name, 0.0), own.get(name, 0.0))
        return sorted(shares, key=lambda name: -shares[name])[:_MOST_COLUMNS]

    def _values(self, trial: Trial, names: Sequence[str]) -> list[str]:
        """Values of parameters; of trial 0 those that tilth.toml gives."""
        known = merged(self.project.configuration, trial.proposal)
        return [str(known[name]) if name in known else "" for name in names]

    def _states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for trial in self.trials:
            found[trial.state] = found.get(trial.state, 0) + 1
        return found
