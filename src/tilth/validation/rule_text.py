"""The text of a rule: which words may stand in it, and its columns in quotes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tilth.errors import SchemaError, closest
from tilth.validation.rule_size import check_size
from tilth.validation.rule_token import Token

__all__ = ["FUNCTIONS", "quoted_rule", "rule_columns", "with_moments"]

FUNCTIONS = frozenset(
    (
        *("abs", "ceil", "ceiling", "div", "exp", "floor", "ln", "log10", "log2", "mod", "pow", "power"),
        *("round", "sign", "sqrt", "greatest", "least", "coalesce", "ifnull", "nullif", "if"),
        *("bit_length", "char_length", "character_length", "concat", "concat_ws", "ends_with", "initcap"),
        *("left", "length", "lower", "ltrim", "octet_length", "regexp_like", "replace", "reverse", "right"),
        *("rtrim", "starts_with", "strpos", "substr", "substring", "trim", "upper", "position"),
        *("date_part", "extract", "year", "quarter", "month", "week", "day", "hour", "minute", "second"),
        *("strftime", "cast", "try_cast"),
    )
)
"""The functions that a rule may call: each looks at one row alone and at nothing outside it."""

_RESERVED = frozenset(
    (
        *("and", "or", "not", "xor", "in", "is", "null", "true", "false", "between", "like", "ilike"),
        *("rlike", "regexp", "case", "when", "then", "else", "as", "from"),
    )
)
"""Words of the language: a column of such a name stands in double quotes."""

_WORDS = _RESERVED | frozenset(
    (
        *("end", "for", "distinct", "int", "integer", "bigint", "double", "precision", "float", "real"),
        *("text", "varchar", "string", "boolean", "date", "timestamp", "interval", "dow", "isodow"),
        *("doy", "epoch", "leading", "trailing", "both", "millisecond", "microsecond", "isoyear"),
    )
)
_FORBIDDEN = frozenset(
    ("select", "with", "exists", "any", "some", "all", "over", "union", "intersect", "except", "table")
)
_PARTS_OF_DATES = frozenset(
    (
        *("year", "quarter", "month", "week", "day", "hour", "minute", "second"),
        *("dow", "isodow", "doy", "isoyear"),
    )
)
_COUNTING = _PARTS_OF_DATES | frozenset(
    (
        *("length", "char_length", "character_length", "octet_length", "bit_length", "strpos", "position"),
        *("extract", "date_part"),
    )
)
"""Functions whose results Polars keeps in 8 or 32 bits, some without a sign: 1 - 2 would be 4294967295."""

_WIDE = {"int": "bigint", "integer": "bigint", "float": "double", "real": "double"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--|/\*)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<sign><=>|<=|>=|<>|!=|==|\|\||!~\*|!~|~\*|::|//|[-+*/%=<>~(),.&|])
    """,
    re.VERBOSE,
)
_MOMENT = re.compile(r"'[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?'")
_LITERAL_TYPES = ("date", "timestamp", "interval")


def quoted_rule(expression: str, columns: Collection[str], where: str) -> str:
    """The expression with its columns in double quotes.

    Args:
        expression: what a person wrote.
        columns: the names that may stand in it. `photo.width` needs no quotes if it is one of them.
        where: the place, for errors.

    Raises:
        SchemaError: a column, function, word or sign that may not stand in a rule.

    Example:
        >>> quoted_rule("end >= start", ["start", "end", "other"], "rule 'end >= start'")
        '"end" >= "start"'
        >>> quoted_rule("max(end) > 3", ["end"], "rule 'max(end) > 3'")
        Traceback (most recent call last):
        ...
        tilth.errors.SchemaError: 'max' may not be used in a rule
          where: rule 'max(end) > 3'
          expected: columns, values, comparisons, AND, OR, NOT, CASE and functions of one row...
    """
    tokens = list(_tokens(expression, where))
    check_size(expression, tokens, where)
    parts: list[str] = []
    position = depth = 0
    widened: list[int] = []  # the depths at which a CAST waits for its end
    while position < len(tokens):
        text, used = _part(tokens, position, columns, where)
        if _is_narrow(tokens, position):
            text = f"CAST({text}"
            widened.append(depth)
        depth += (tokens[position].text == "(") - (tokens[position].text == ")")
        if tokens[position].text == ")" and widened and widened[-1] == depth:
            text += " AS BIGINT)"
            widened.pop()
        parts.append(text)
        position += used
    return "".join(parts)


def _is_narrow(tokens: list[Token], position: int) -> bool:
    """Whether a call begins here whose result needs a wider type."""
    token = tokens[position]
    if token.word not in _COUNTING or _next_sign(tokens, position + 1) != "(":
        return False
    if token.word not in ("extract", "date_part"):
        return True
    field = next((t for t in tokens[position + 1 :] if t.kind in ("name", "text")), token)
    return field.text.strip("'").lower() in _PARTS_OF_DATES


def with_moments(expression: str, beside: Collection[str] | None = None) -> str:
    """The expression with texts that are dates or times turned into points in time.

    Args:
        expression: what `quoted_rule` gave.
        beside: only texts whose nearest column to the left is one of these; None for all.

    Example:
        >>> print(with_moments("start >= '2024-05-01' and not end = TIMESTAMP '2024-05-02'"))
        start >= TIMESTAMP '2024-05-01' and not end = TIMESTAMP '2024-05-02'
    """
    parts: list[str] = []
    before = column = ""
    for token in _tokens(expression, ""):
        column = _unquoted(token.text) if token.kind == "quoted" else column
        is_moment = token.kind == "text" and _MOMENT.fullmatch(token.text) and before not in _LITERAL_TYPES
        wanted = is_moment and (beside is None or column in beside)
        parts.append(f"TIMESTAMP {token.text}" if wanted else token.text)
        before = before if token.kind == "space" else token.word
    return "".join(parts)


def rule_columns(expression: str) -> tuple[str, ...]:
    """The columns in what `quoted_rule` gave, in their order of appearance.

    Example:
        >>> rule_columns('"end" >= "start" and "end" > 3')
        ('end', 'start')
    """
    tokens = _tokens(expression, "")
    return tuple(dict.fromkeys(_unquoted(token.text) for token in tokens if token.kind == "quoted"))


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _tokens(expression: str, where: str) -> Iterator[Token]:
    position = 0
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None or found.lastgroup == "comment":
            shown = expression[position] if found is None else found.group()
            raise _refused(shown, where)
        yield Token(str(found.lastgroup), found.group())
        position = found.end()


def _part(tokens: list[Token], position: int, columns: Collection[str], where: str) -> tuple[str, int]:
    """The text of the token at a position, and how many tokens it takes."""
    token = tokens[position]
    if token.kind == "quoted":
        return _column(_unquoted(token.text), columns, where), 1
    if token.kind != "name":
        return token.text, 1
    dotted = _dotted(tokens, position)
    if dotted:
        return _column(dotted, columns, where), 3
    called = _next_sign(tokens, position + 1) == "("
    if token.text in columns and not called and not _is_language(tokens, position):
        return _column(token.text, columns, where), 1
    if token.word in _WIDE and _is_type(tokens, position):
        return _WIDE[token.word], 1
    if (called and token.word in FUNCTIONS) or token.word in _WORDS or _is_field(tokens, position):
        return token.text, 1
    if called or token.word in _FORBIDDEN:
        raise _refused(token.text, where)
    raise _unknown(token.text, columns, where)


def _dotted(tokens: list[Token], position: int) -> str:
    """`a.b` as one name, where that is how the tokens go on."""
    following = tokens[position + 1 : position + 3]
    is_dotted = len(following) == 2 and following[0].text == "." and following[1].kind == "name"
    return tokens[position].text + "." + following[1].text if is_dotted else ""


def _next_sign(tokens: list[Token], position: int) -> str:
    following = [token for token in tokens[position : position + 2] if token.kind != "space"]
    return following[0].text if following else ""


def _is_language(tokens: list[Token], position: int) -> bool:
    """Whether a word that is also a column's name is here a word of the language."""
    word = tokens[position].word
    before = [token for token in tokens[:position] if token.kind != "space"]
    if word in _RESERVED:
        return True
    if word == "end":  # ends a CASE where a value stands before it, and is a column after a sign
        return _open_cases(before) > 0 and _is_value(before[-1])
    is_literal = word in _LITERAL_TYPES and _next_sign(tokens, position + 1).startswith("'")
    return is_literal or _is_type(tokens, position)


def _is_type(tokens: list[Token], position: int) -> bool:
    """Whether a word is what CAST makes of a value."""
    before = [token for token in tokens[:position] if token.kind != "space"]
    return bool(before) and (before[-1].word == "as" or before[-1].text == "::")


def _open_cases(tokens: list[Token]) -> int:
    cases = 0
    for position, token in enumerate(tokens):
        cases += token.word == "case"
        cases -= token.word == "end" and cases > 0 and _is_value(tokens[position - 1])
    return cases


def _is_value(token: Token) -> bool:
    words = _RESERVED - {"null", "true", "false"}
    return token.text == ")" or token.kind in ("text", "quoted", "number") or token.word not in ("", *words)


def _is_field(tokens: list[Token], position: int) -> bool:
    """Whether a word is what EXTRACT takes, as in EXTRACT(year FROM day)."""
    before = [token for token in tokens[:position] if token.kind != "space"]
    return (
        len(before) > 1
        and before[-1].text == "("
        and before[-2].word == "extract"
        and tokens[position].word in FUNCTIONS
    )


def _column(name: str, columns: Collection[str], where: str) -> str:
    if name not in columns:
        raise _unknown(name, columns, where)
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        # Polars would take such a name for a pattern over all columns.
        raise SchemaError(f"column '{name}' cannot be used in a rule", where=where, mend="rename the column")
    return '"' + name.replace('"', '""') + '"'


def _unknown(name: str, columns: Collection[str], where: str) -> SchemaError:
    near = closest(name, columns)
    same = next((column for column in columns if name in re.split(r"\W+", column)), None)
    shown = list(columns)[:30]
    mend = f"did you mean '{near}'?" if near else None
    if same is not None and re.search(r"\W", same):
        mend = f'a name that is no plain word stands in double quotes: "{same}"'
    return SchemaError(
        f"no column '{name}'",
        where=where,
        expected=f"one of {', '.join(shown)}" + (", ..." if len(columns) > len(shown) else ""),
        mend=mend,
    )


def _refused(text: str, where: str) -> SchemaError:
    return SchemaError(
        f"'{text}' may not be used in a rule",
        where=where,
        expected="columns, values, comparisons, AND, OR, NOT, CASE and functions of one row "
        f"({', '.join(sorted(FUNCTIONS))})",
    )
