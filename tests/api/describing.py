"""Whether an API's own description is true: schemathesis asks all that it allows and judges every answer by it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as effort
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub import hub as hubs
from atlas_hub.kit.errors import Unauthenticated
from atlas_hub.services.access import Actor
from atlas_hub.settings import Settings

CANARY = "canary-key-of-the-caller"
both_modes = pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


def no_fault_of_ours(_context: Any, response: Any, _case: Any) -> None:
    assert response.status_code < 500, response.text


def no_fault_but_a_vendors(_context: Any, response: Any, _case: Any) -> None:
    """A vendor that is not there is 502 or 503, which the document names: an invented address has none."""
    assert response.status_code < 500 or response.status_code in {502, 503}, response.text


CONFORMING = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
)
"""What is asked of every answer of every API, beside whose fault a failure may be."""


def ask_all(
    operations: Iterable[Any],
    mode: GenerationMode,
    ask: Callable[[Any], Any],
    *,
    examples: int,
    without_input: bool = False,
) -> tuple[set[tuple[str, str]], Counter[tuple[str, int]]]:
    """`ask`, which answers, is called with `examples` cases of each operation, the same ones in every run.

    What cannot be asked wrongly but in its path is left out of `GenerationMode.NEGATIVE`, unless `without_input`.
    Returns every operation there is, and how often each method was answered with each status.
    """
    met: set[tuple[str, str]] = set()
    told: Counter[tuple[str, int]] = Counter()
    for operation in operations:
        met.add((operation.method.upper(), operation.path))
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or without_input):
            continue

        @seed(20260101)
        @effort(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def each(case: Any) -> None:
            told[case.method, ask(case).status_code] += 1

        each()
    return met, told


def by_status(told: Counter[tuple[str, int]]) -> Counter[int]:
    """How often each status was answered."""
    found: Counter[int] = Counter()
    for (_, status), times in told.items():
        found[status] += times
    return found


def living(app: Any, settings: Settings, seeded: Callable[[], Awaitable[None]] | None = None) -> Any:
    """An API with a lifespan of its own, as schemathesis asks from an event loop of its own."""

    async def alive(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        async with hubs.opened(settings):
            if seeded is not None:
                await seeded()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return alive


def only_the_canary(patch: pytest.MonkeyPatch, module: Any, owner: Actor) -> None:
    """`CANARY` is the one key that a module of the APIs knows: `owner`'s."""

    async def actor_of_key(_hub: object, private_key: str, _api: str) -> Actor:
        if private_key != CANARY:
            raise Unauthenticated("This key is not known.")
        return owner

    patch.setattr(module, "actor_of_key", actor_of_key)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and what is said of them."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def schemas_are_sound(document: dict[str, Any]) -> None:
    """Every schema is one, and every reference leads somewhere."""
    written = json.loads(json.dumps(document))
    schemas = written["components"]["schemas"]
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(written)))
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in schemas}
