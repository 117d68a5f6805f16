"""Records of model versions and the aliases that move over them: the model registry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select

from tilth.errors import ConflictError, NotFoundError, UsageError, closest
from tilth.store import layout
from tilth.store.encoding import to_json_text
from tilth.store.records import AliasChange, Artifact, ModelVersion, Move, Run
from tilth.store.rows import (
    Records,
    identifier,
    is_number,
    load_artifact,
    load_model_version,
    load_run,
    select_model_versions,
)
from tilth.types import JSONObject, JSONValue

__all__ = ["ModelRecords", "find_model_version", "load_aliases"]

versions, aliases, alias_changes = layout.model_versions, layout.aliases, layout.alias_changes

Expected: TypeAlias = 'int | Literal["any"] | None'

_NAME = re.compile(r"\w[\w.-]{0,254}")
_ALIAS = re.compile(r"[\w-]{1,255}")
_RESERVED = re.compile(r"latest|v?\d+", re.IGNORECASE)


class ModelRecords(Records):
    """The part of the store that knows models."""

    def register_model(
        self,
        name: str,
        artifact: Artifact | int,
        run: Run | int | None = None,
        properties: Mapping[str, JSONValue] | None = None,
    ) -> ModelVersion:
        """Register a model as the next version of that name: 1, 2, 3, without gaps.

        A version is a model together with its properties. One of the same digest with equal properties that
        is registered under this name already is returned as it is; with other properties the same model
        becomes another version.

        Raises:
            UsageError: not a model name, or properties that are not JSON.
            NotFoundError: no such artifact or run.
        """
        _check_name(name)
        given = _plain(dict(properties or {}))
        with self._database.writing() as connection:
            model = load_artifact(connection, identifier(artifact))
            known = _find_equal(connection, name, model.digest, given)
            if known is not None:
                return known
            newest = select(func.max(versions.c.version)).where(versions.c.name == name)
            version = (connection.scalar(newest) or 0) + 1
            values = {
                "name": name,
                "version": version,
                "run": None if run is None else load_run(connection, identifier(run)).number,
                "created": self._clock(),
                "properties": given,
            }
            connection.execute(insert(versions).values(artifact=model.id, digest=model.digest, **values))
            return find_model_version(connection, name, version)

    def models(self) -> tuple[str, ...]:
        """The names of all registered models, in order."""
        with self._database.reading() as connection:
            return tuple(connection.scalars(select(versions.c.name).distinct().order_by(versions.c.name)))

    def model_versions(self, name: str) -> tuple[ModelVersion, ...]:
        """The versions of a model, the newest first; none for a name that is not registered."""
        statement = select_model_versions().where(versions.c.name == name).order_by(versions.c.version.desc())
        with self._database.reading() as connection:
            return tuple(load_model_version(row) for row in connection.execute(statement))

    def model_version(self, name: str, version: int | str) -> ModelVersion:
        """The version of a model that a number or an alias names.

        Raises:
            NotFoundError: no such model, version or alias; the message says which exist.
        """
        with self._database.reading() as connection:
            return find_model_version(connection, name, version)

    def set_alias(
        self,
        model: str,
        alias: str,
        version: int,
        who: str,
        why: str = "",
        *,
        expected: Expected = "any",
        kind: Move = "set",
    ) -> AliasChange:
        """Let an alias such as "champion" name a version of a model; the move is kept in its history.

        An alias that already names that version is left as it is.

        Args:
            model: the model's name.
            alias: letters, digits, _ and -; not "latest", a number, or v and a number.
            version: which version it shall name.
            who: the person or command that moves it.
            why: the reason.
            expected: the version that it must name now (None: none yet), so that two who decide at the same
                time do not overwrite each other; "any" to move it regardless.
            kind: what moves it, kept in the history.

        Raises:
            UsageError: not an alias.
            NotFoundError: no such version.
            ConflictError: it names another version than `expected`.
        """
        _check_alias(alias)
        with self._database.writing() as connection:
            find_model_version(connection, model, version)
            return self._move(connection, model, alias, version, (who, why, kind), expected)

    def remove_alias(self, model: str, alias: str, who: str, why: str = "") -> AliasChange:
        """Remove an alias; its history stays.

        Raises:
            NotFoundError: no such alias.
        """
        with self._database.writing() as connection:
            known = load_aliases(connection, model)
            if alias not in known:
                raise _no_alias(model, alias, known)
            return self._move(connection, model, alias, None, (who, why, "remove"), "any")

    def aliases(self, model: str) -> dict[str, int]:
        """The aliases of a model and the versions that they name, in order of alias."""
        with self._database.reading() as connection:
            return load_aliases(connection, model)

    def alias_history(self, model: str, alias: str | None = None) -> tuple[AliasChange, ...]:
        """The moves of a model's aliases (or one of them), the oldest first."""
        with self._database.reading() as connection:
            return _load_history(connection, model, alias)

    def _move(
        self,
        connection: Connection,
        model: str,
        alias: str,
        version: int | None,
        reason: tuple[str, str, Move],
        expected: Expected,
    ) -> AliasChange:
        previous = load_aliases(connection, model).get(alias)
        if expected not in ("any", previous):
            raise ConflictError(
                f"'{alias}' of '{model}' has been moved meanwhile",
                expected=f"version {expected or 'none'}, but it names {previous or 'none'}",
                mend="look at the new version, then decide again",
            )
        if previous == version:
            return _load_history(connection, model, alias)[-1]
        who, why, kind = reason
        change = AliasChange(model, alias, version, previous, who, why, self._clock(), kind)
        connection.execute(delete(aliases).where(aliases.c.model == model, aliases.c.alias == alias))
        if version is not None:
            connection.execute(insert(aliases).values(model=model, alias=alias, version=version))
        connection.execute(insert(alias_changes).values(vars(change)))
        return change


def _plain(properties: dict[str, JSONValue]) -> JSONObject:
    """Properties as the database will give them back, so that they can be compared.

    Raises:
        UsageError: they are not JSON.
    """
    try:
        plain: JSONObject = json.loads(to_json_text(properties))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a value cannot be recorded: {error}", where="the properties of a model") from error
    return plain


def _find_equal(
    connection: Connection, name: str, digest: str, properties: JSONObject
) -> ModelVersion | None:
    """The oldest version of that name with that model and equal properties."""
    same = (versions.c.name == name, versions.c.digest == digest)
    statement = select_model_versions().where(*same).order_by(versions.c.version)
    found = (load_model_version(row) for row in connection.execute(statement).all())
    return next((version for version in found if version.properties == properties), None)


def load_aliases(connection: Connection, model: str) -> dict[str, int]:
    """The aliases of a model and the versions that they name, in order of alias."""
    statement = select(aliases.c.alias, aliases.c.version).where(aliases.c.model == model)
    rows = connection.execute(statement.order_by(aliases.c.alias))
    return {str(alias): int(version) for alias, version in rows}


def _load_history(connection: Connection, model: str, alias: str | None) -> tuple[AliasChange, ...]:
    columns = [column for column in alias_changes.c if column.name != "id"]
    statement = select(*columns).where(alias_changes.c.model == model).order_by(alias_changes.c.id)
    if alias is not None:
        statement = statement.where(alias_changes.c.alias == alias)
    return tuple(AliasChange(**row._mapping) for row in connection.execute(statement))


def find_model_version(connection: Connection, name: str, version: int | str) -> ModelVersion:
    """The version of a model that a number or an alias names.

    Raises:
        NotFoundError: no such model, version or alias; the message says which exist.
    """
    if isinstance(version, str) and not version.isdecimal():
        known = load_aliases(connection, name)
        if version not in known:
            _check_model(connection, name)
            raise _no_alias(name, version, known)
        version = known[version]
    wanted = (versions.c.name == name, versions.c.version == int(version))
    row = None
    if is_number(int(version)):
        row = connection.execute(select_model_versions().where(*wanted)).first()
    if row is None:
        newest = _check_model(connection, name)
        raise NotFoundError(f"there is no version {version} of '{name}'", expected=f"1 to {newest}")
    return load_model_version(row)


def _check_model(connection: Connection, name: str) -> int:
    statement = select(versions.c.name, func.max(versions.c.version)).group_by(versions.c.name)
    newest = {model: int(number) for model, number in connection.execute(statement)}
    if name in newest:
        return newest[name]
    near = closest(name, newest)
    raise NotFoundError(
        f"there is no model '{name}'",
        expected=f"one of {', '.join(sorted(newest))}" if newest else None,
        mend=f"did you mean '{near}'?" if near else None,
    )


def _no_alias(model: str, alias: str, known: Mapping[str, int]) -> NotFoundError:
    near = closest(alias, known)
    return NotFoundError(
        f"'{model}' has no alias '{alias}'",
        expected=f"one of {', '.join(known)}, or a version number" if known else "a version number",
        mend=f"did you mean '{near}'?" if near else None,
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is not a name for a model", expected="letters, digits, _ . and -")


def _check_alias(alias: str) -> None:
    if not _ALIAS.fullmatch(alias) or _RESERVED.fullmatch(alias):
        raise UsageError(
            f"'{alias}' is not an alias",
            expected="letters, digits, _ and -; not 'latest', a number, or v and a number",
        )
