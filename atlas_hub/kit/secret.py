"""A value that can be used but not seen: no text form, no pickle, no JSON, one exit."""

from __future__ import annotations

import hmac
import re
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

HIDDEN = "••••"
SHORTEST_WITH_A_TAIL = 16
_TAIL = re.compile(r"[\w.~+/=-]{4}\Z", re.ASCII)


class Secret:
    """A secret text. `reveal()` is the only way to read it; the architecture test lists who may call it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the vendor or the vault."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash in a set or a traceback is a place to leak from

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A Secret cannot be pickled or copied into a state.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls._of,
            core_schema.union_schema(
                [core_schema.is_instance_schema(cls), core_schema.str_schema(strip_whitespace=True)]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(_refuse),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "minLength": 1, "writeOnly": True}

    @classmethod
    def _of(cls, value: Secret | str) -> Secret:
        return value if isinstance(value, Secret) else cls(value)


def _refuse(_value: object) -> NoReturn:
    raise TypeError("A Secret cannot be serialised.")


def mask(secret: Secret) -> str:
    """What may be shown of a secret: a tail of four from 16 characters on, else nothing; nothing of a whole file."""
    text = secret.reveal()
    tells = len(text) >= SHORTEST_WITH_A_TAIL and _TAIL.search(text) is not None
    return f"{HIDDEN}{text[-4:]}" if tells else HIDDEN
