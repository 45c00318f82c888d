"""Values that users give -> values that protobuf takes; InvalidInputError names the argument and what is wanted."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from scenewright.errors import InvalidInputError

M = TypeVar("M", bound=Message)
T = TypeVar("T")

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def make(kind: type[M], field: str, **values: Any) -> M:
    """The message with these values, each checked by its field's type; None leaves a field unset.

    `field` is what the user calls the message ("image.intrinsics"); "" where its fields are arguments themselves.
    """
    message = kind()
    for name, value in values.items():
        if value is None:
            continue
        descriptor, path = kind.DESCRIPTOR.fields_by_name[name], f"{field}.{name}" if field else name
        if descriptor.is_repeated:
            given = items(value, path)
            getattr(message, name).extend(_scalar(descriptor, one, f"{path}[{i}]") for i, one in enumerate(given))
        elif descriptor.message_type is not None:
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, _scalar(descriptor, value, path))
    return message


def _scalar(descriptor: FieldDescriptor, value: Any, field: str) -> Any:
    kind = descriptor.cpp_type
    if kind in _RANGES:
        return whole(value, field, *_RANGES[kind])
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return number(value, field)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return flag(value, field)
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return binary(value, field)
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return text(value, field)
    return value  # a message or an enum's value, made by us


def text(value: Any, field: str) -> str:
    """A string that UTF-8 can hold."""
    if not isinstance(value, str):
        raise wrong(field, "text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong(field, "text without lone surrogates", value) from None
    return value


def binary(value: Any, field: str) -> bytes:
    """Bytes of any kind."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong(field, "bytes", value)
    return bytes(value)


def flag(value: Any, field: str) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(field, "True or False", value)
    return bool(value)


def number(value: Any, field: str) -> float:
    """A real number of any type; protobuf's bounds are the server's business."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise wrong(field, "a number", value)
    try:
        return float(value)
    except OverflowError:
        raise wrong(field, "a number that a float can hold", value) from None


def whole(value: Any, field: str, low: int, high: int) -> int:
    """An integer of any type within the bounds; a float counts if it is whole."""
    is_whole = isinstance(value, Integral) or (isinstance(value, Real) and math.isfinite(value) and value == int(value))
    if isinstance(value, (bool, np.bool_)) or not is_whole or not low <= int(value) <= high:
        raise wrong(field, f"a whole number from {low} to {high}", value)
    return int(value)


def seconds(value: Any, field: str) -> float:
    """A time above 0."""
    if not 0 < number(value, field) < math.inf:
        raise wrong(field, "seconds above 0", value)
    return float(value)


def numbers(value: Any, field: str, names: str) -> list[float]:
    """As many numbers as `names` has, such as "x, y, z": a tuple, list or array."""
    n = len(names.split(", "))
    wanted = f"{n} numbers ({names})"
    if not isinstance(value, (tuple, list, np.ndarray)):
        raise wrong(field, wanted, value)
    if isinstance(value, np.ndarray) and value.ndim != 1:
        raise wrong(field, wanted, value)
    if len(value) != n:
        raise InvalidInputError(f"{field}: expected {wanted}, got {len(value)}")
    return [number(one, f"{field}[{i}]") for i, one in enumerate(value)]


def items(value: Any, field: str, kind: type | None = None) -> list[Any]:
    """What a list, tuple or other iterable holds; each is a `kind` if one is given."""
    wanted = "a list" if kind is None else f"a list of {kind.__name__}"
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, set, frozenset)) or not isinstance(
        value, Iterable
    ):
        raise wrong(field, wanted, value)
    try:
        given = list(value)
    except TypeError:  # an array without dimensions
        raise wrong(field, wanted, value) from None
    if kind is not None:
        for i, one in enumerate(given):
            instance(one, f"{field}[{i}]", kind)
    return given


def instance(value: Any, field: str, kind: type[T]) -> T:
    """The value, which must be of this class."""
    if not isinstance(value, kind):
        raise wrong(field, f"{_article(kind.__name__)} {kind.__name__}", value)
    return value


def choice(table: Mapping[Any, T], value: Any, field: str) -> T:
    """The table's entry; the error lists the choices."""
    try:
        return table[value]
    except (KeyError, TypeError):  # not there, or nothing that could be
        raise wrong(field, f"one of {', '.join(map(str, table))}", value) from None


def wrong(field: str, wanted: str, value: Any) -> InvalidInputError:
    """The error for a value that is not what is wanted; `field` names it."""
    kind = type(value).__name__
    shown = f"shape {value.shape}, {value.dtype}" if isinstance(value, np.ndarray) else _SHOWN.repr(value)
    if isinstance(value, (str, float, int, type(None))):
        return InvalidInputError(f"{field}: expected {wanted}, got {shown}")
    return InvalidInputError(f"{field}: expected {wanted}, got {_article(kind)} {kind} ({shown})")


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeiou" else "a"
