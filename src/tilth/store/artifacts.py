"""Records of artifacts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from tilth.errors import ConflictError
from tilth.store.digests import check_digest
from tilth.store.layout import artifacts
from tilth.store.records import Artifact
from tilth.store.rows import Records, columns_of, load_artifact
from tilth.types import JSONObject, JSONValue

__all__ = ["ArtifactRecords"]


class ArtifactRecords(Records):
    """The part of the store that knows artifacts."""

    def record_artifact(
        self,
        kind: str,
        name: str,
        digest: str,
        size: int,
        *,
        fingerprint: str | None = None,
        properties: Mapping[str, JSONValue] | None = None,
    ) -> Artifact:
        """Record an artifact, or find the one of this kind, name and digest.

        Properties that are new or differ replace those recorded before; the artifact stays the same.

        Args:
            kind: "dataset", "profile", "schema", "split", "transform", "model", "evaluation", "file", ...
            name: what people call it, or the path of a source file.
            digest: sha256 of its bytes in hex.
            size: bytes.
            fingerprint: of its content, where that is more than its bytes.
            properties: anything else, as JSON values.

        Raises:
            ConflictError: the same artifact already exists with another size or fingerprint.
            UsageError: not a digest, or properties that are not JSON.
        """
        check_digest(digest)
        given = dict(properties or {})
        with self._database.writing() as connection:
            same = (artifacts.c.digest == digest, artifacts.c.kind == kind, artifacts.c.name == name)
            row = connection.execute(select(artifacts).where(*same)).first()
            if row is not None:
                return _merge(connection, Artifact(**row._mapping), size, fingerprint, given)
            values = {
                "kind": kind,
                "name": name,
                "digest": digest,
                "fingerprint": fingerprint,
                "size": size,
                "properties": given,
                "created": self._clock(),
            }
            key = connection.execute(insert(artifacts).values(values)).inserted_primary_key
            return Artifact(id=key[0], **values)  # type: ignore[index, arg-type]

    def artifact(self, number: int) -> Artifact:
        """The artifact of that id.

        Raises:
            NotFoundError: no such artifact.
        """
        with self._database.reading() as connection:
            return load_artifact(connection, number)

    def artifacts(
        self,
        kind: str | None = None,
        name: str | None = None,
        *,
        digest: str | None = None,
        limit: int | None = None,
    ) -> tuple[Artifact, ...]:
        """Artifacts of that kind, name and digest (None: any), the newest first, at most `limit`."""
        statement = select(*columns_of(Artifact, artifacts)).order_by(artifacts.c.id.desc()).limit(limit)
        for column, wanted in (
            (artifacts.c.kind, kind),
            (artifacts.c.name, name),
            (artifacts.c.digest, digest),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        with self._database.reading() as connection:
            return tuple(Artifact(**row._mapping) for row in connection.execute(statement))


def _merge(
    connection: Connection, known: Artifact, size: int, fingerprint: str | None, properties: JSONObject
) -> Artifact:
    for what, before, now in (("size", known.size, size), ("fingerprint", known.fingerprint, fingerprint)):
        if before is not None and now is not None and before != now:
            raise ConflictError(
                f"the {known.kind} '{known.name}' ({known.reference}) already exists with another {what}",
                expected=f"{what} {before}",
                mend=f"{now} was given: one of the two was computed wrongly",
            )
    merged = {**known.properties, **properties}
    changes = {"fingerprint": known.fingerprint or fingerprint, "properties": merged}
    if changes != {"fingerprint": known.fingerprint, "properties": known.properties}:
        connection.execute(update(artifacts).where(artifacts.c.id == known.id).values(changes))
        return load_artifact(connection, known.id)
    return known
