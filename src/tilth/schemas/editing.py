"""Editing the text of a schema.toml so that comments and order stay."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from tilth.schemas.schema import Schema
from tilth.schemas.writing import TOMLValue, column_items, lines, rule_items, table_items, write_column

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Array

__all__ = ["updated_toml"]

_LINE = 110
_MARK = "\ufeff"  # some editors begin a file with it
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_RULES = re.compile(r"(^[ \t]*#.*\n)*^[ \t]*\[\[[ \t]*rules[ \t]*\]\]", re.MULTILINE)
_COLUMN = re.compile(r"^[ \t]*\[[ \t]*columns\b", re.MULTILINE)
_KEY_LINE = re.compile(r"^[ \t]*[^#\s].*\n", re.MULTILINE)
_BLANK_LINE = re.compile(r"^[ \t]*\n", re.MULTILINE)

_Changes = Mapping[str, TOMLValue | None]


def updated_toml(text: str, schema: Schema, *, where: str = "schema.toml") -> str:
    r"""The text changed where `schema` says something else, and nowhere else.

    Comments, blank lines and order stay; columns and rules that are new come after the others, and those
    that are gone go with the comments inside them.

    Args:
        text: the content of a schema.toml.
        schema: what it shall say.
        where: the file's name, for errors.

    Returns:
        A text that `Schema.from_toml` reads as `schema`; what is in both keeps the order of the text.

    Raises:
        SchemaError: the text is no schema.

    Example:
        >>> text = '[columns.age]\ntype = "int"\nmax = 90 # nobody is older\n'
        >>> wider = Schema.from_toml(text.replace("90", "105"))
        >>> print(updated_toml(text, wider), end="")
        [columns.age]
        type = "int"
        max = 105 # nobody is older
    """
    before = Schema.from_toml(text, where)
    if before == schema:
        return text
    mark = _MARK if text.startswith(_MARK) else ""
    is_crlf = "\r\n" in text
    plain = text.removeprefix(_MARK).replace("\r\n", "\n")
    edited = _edited(plain if plain.endswith("\n") or not plain else plain + "\n", before, schema)
    return mark + (edited.replace("\n", "\r\n") if is_crlf else edited)


def _edited(text: str, before: Schema, schema: Schema) -> str:
    """The text, whose lines end in a newline alone, changed from one schema to the other."""
    import tomlkit

    document = tomlkit.parse(text)
    head = _difference(
        table_items(before.bounds, before.severities), table_items(schema.bounds, schema.severities)
    )
    added = {key: head.pop(key) for key in list(head) if key not in document}
    _edit(document, head)
    _edit_columns(document, before, schema)
    _edit_rules(document, before, schema)
    text = _with_head(document.as_string(), added)
    inline = isinstance(document.get("columns"), tomlkit.items.InlineTable)
    new = [] if inline else [write_column(column) for column in schema if column.name not in before]
    text = _with_columns(text, "\n".join(new))
    titles = {rule.title for rule in before.rules}
    rules = [f"[[rules]]\n{lines(rule_items(rule))}" for rule in schema.rules if rule.title not in titles]
    return "\n".join(part for part in (text, *rules) if part)


def _difference(old: Mapping[str, TOMLValue], new: Mapping[str, TOMLValue]) -> dict[str, TOMLValue | None]:
    """The keys that differ: with their new value, or None where they go."""
    changed: dict[str, TOMLValue | None] = {key: None for key in old if key not in new}
    return changed | {key: value for key, value in new.items() if old.get(key) != value}


def _edit_columns(document: TOMLDocument, before: Schema, schema: Schema) -> None:
    import tomlkit

    tables: Any = document.get("columns", {})
    for column in before:
        if column.name not in schema:
            del tables[column.name]
        elif schema[column.name] != column:
            changes = _difference(column_items(column), column_items(schema[column.name]))
            _edit(tables[column.name], changes)
    if isinstance(tables, tomlkit.items.InlineTable):
        for column in schema:
            if column.name not in before:
                tables[column.name] = _inline(column_items(column))


def _edit_rules(document: TOMLDocument, before: Schema, schema: Schema) -> None:
    tables: Any = document.get("rules", [])
    wanted = {rule.title: rule for rule in schema.rules}
    for position in reversed(range(len(before.rules))):
        rule = before.rules[position]
        if rule.title in wanted:
            _edit(tables[position], _difference(rule_items(rule), rule_items(wanted[rule.title])))
        else:
            del tables[position]
    if not tables and "rules" in document:
        del document["rules"]


def _edit(table: MutableMapping[str, Any], changes: _Changes) -> None:
    """Set and remove keys; what stays keeps its comments."""
    for key, value in changes.items():
        if value is None:
            del table[key]
        elif key not in table:
            _add(table, key, _item(key, value))
        elif isinstance(value, list):
            _edit_list(table[key], value)
        elif isinstance(value, dict) and isinstance(table[key], dict):
            _edit(table[key], _difference(dict(table[key]), value))
        else:
            table[key] = _item(key, value)


def _add(table: Any, key: str, item: Any) -> None:
    """A new key after the others, before the comments and blank lines at the table's end."""
    import tomlkit

    if not isinstance(table, tomlkit.items.AbstractTable | tomlkit.TOMLDocument):
        table[key] = item  # dotted keys, which may stand apart
        return
    values: Any = table.value
    body, tail = values.body, []
    while body and body[-1][0] is None and not isinstance(table, tomlkit.items.InlineTable):
        tail.append(body.pop())
    table.append(key, item)
    body.extend(reversed(tail))


def _edit_list(array: Array, values: list[str]) -> None:
    present = [_as_text(item) for item in array]
    if [value for value in values if value in set(present)] != [v for v in present if v in set(values)]:
        array.clear()
        present = []
    for position in reversed(range(len(present))):
        if present[position] not in set(values):
            del array[position]
    for value in values:
        if value not in set(present):
            array.append(value)
    if "\n" not in array.as_string() and len(array.as_string()) > _LINE:
        array.multiline(True)


def _as_text(item: object) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)


def _item(key: str, value: TOMLValue) -> Any:
    import tomlkit

    if isinstance(value, dict):
        return _inline(value)
    item: Any = tomlkit.item(value)
    if isinstance(value, list):
        item.multiline(len(f"{key} = {item.as_string()}") > _LINE)
    return item


def _inline(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    for key, value in values.items():
        table.append(key, _inline(value) if isinstance(value, dict) else value)
    return table


def _with_head(text: str, added: _Changes) -> str:
    """The text with keys of the table as a whole, after those that are there or the comment at the start."""
    new = lines({key: value for key, value in added.items() if value is not None})
    if not new:
        return text
    table = _TABLE.search(text)
    head = text[: table.start()] if table else text
    keys = list(_KEY_LINE.finditer(head))
    blank = _BLANK_LINE.search(head)
    start = keys[-1].end() if keys else blank.start() if blank else 0 if table else len(head)
    space = "" if keys or not text[start:].strip() or _BLANK_LINE.match(text, start) else "\n"
    return text[:start] + new + space + text[start:]


def _with_columns(text: str, new: str) -> str:
    """The text with further columns, after the others and, where they come last, before the rules."""
    if not new:
        return text
    rules = _RULES.search(text)
    if rules and _COLUMN.search(text, rules.end()):
        rules = None
    start = rules.start() if rules else len(text)
    before = text[:start]
    space = "" if not before or before.endswith("\n\n") else "\n"
    return before + space + new + ("\n" if rules else "") + text[start:]
