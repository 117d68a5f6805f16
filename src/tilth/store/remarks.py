"""What people say of rows and models, and when: tags of mistakes, signatures of audits. Nothing is unsaid."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from tilth.store import layout
from tilth.store.rows import Records
from tilth.types import JSONValue

__all__ = ["Remark", "RemarkRecords", "Said"]

remarks = layout.remarks


@dataclass(frozen=True)
class Said:
    """A remark that is to be recorded.

    Args:
        topic: what it is about at large, such as a project's name.
        kind: "tag", "signature", ...
        subject: of what: a row's hash, a model version.
        name: what is said: the tag, the risk.
        value: more of it, as JSON; None takes back what was said by that name.
        who: who says so.
    """

    topic: str
    kind: str
    subject: str
    name: str
    value: JSONValue = field(hash=False)
    who: str


@dataclass(frozen=True)
class Remark(Said):
    """A recorded remark; of two by one name on one subject the later one holds.

    Args:
        number: rises with each remark of the store.
        made: when it was recorded.
    """

    number: int
    made: datetime.datetime


class RemarkRecords(Records):
    """The part of the store that knows what people say."""

    def record_remarks(self, said: Sequence[Said]) -> tuple[Remark, ...]:
        """Record remarks, all of them or none.

        Example:
            >>> from tilth.store import Store
            >>> with Store.open(":memory:") as store:
            ...     _ = store.record_remarks([Said("cats", "tag", "row 1", "blurry", True, "ann")])
            ...     [(each.subject, each.name, each.who) for each in store.remarks("cats", "tag")]
            [('row 1', 'blurry', 'ann')]
        """
        if not said:
            return ()
        made = self._clock()
        with self._database.writing() as connection:
            recording = insert(remarks).returning(remarks.c.id)
            numbers = [
                connection.execute(recording.values(made=made, **vars(each))).scalar_one() for each in said
            ]
        return tuple(
            Remark(**vars(each), number=number, made=made) for each, number in zip(said, numbers, strict=True)
        )

    def remarks(
        self, topic: str, kind: str, *, subject: str | None = None, after: int = 0
    ) -> tuple[Remark, ...]:
        """What has been said, the earliest first.

        Args:
            topic: what it is about.
            kind: "tag", "signature", ...
            subject: of what; default: of anything.
            after: only remarks of greater numbers.
        """
        wanted = select(remarks).where(remarks.c.topic == topic, remarks.c.kind == kind, remarks.c.id > after)
        if subject is not None:
            wanted = wanted.where(remarks.c.subject == subject)
        with self._database.reading() as connection:
            return tuple(
                Remark(row.topic, row.kind, row.subject, row.name, row.value, row.who, row.id, row.made)
                for row in connection.execute(wanted.order_by(remarks.c.id))
            )
