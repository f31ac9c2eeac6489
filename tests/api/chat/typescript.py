"""The original's own TypeScript client: installed from npm at a pinned version, driven through one Node process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.standins.npm import NotThereError, Package, tool

PACKAGE = Package("@novu/api", "3.19.1", "index.js")
RUNNER = Path(__file__).with_name("novu_api.mjs")

AUTO = "integrations.integrationsControllerAutoConfigureIntegration"
TEXT_ALONE = {AUTO, "integrations.update", "integrations.setAsPrimary"}
"""The calls for whose 404 the client has no class: it tells status and text."""


class Refused(Exception):
    """What the client raised: its class by `name`, and the fields that it parsed."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(said)
        self.name = str(said["name"])
        self.status = said.get("statusCode")
        self.said = said


@dataclass(frozen=True)
class Client:
    """A client with one key, in the Node process of all."""

    node: subprocess.Popen[str]
    server: str
    key: str

    def __call__(self, call: str, *args: Any) -> Any:
        """Make a call such as `integrations.list`; its parsed result. Raises `Refused`."""
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        asked = {"server": self.server, "key": self.key, "call": call, "args": args}
        self.node.stdin.write(json.dumps(asked) + "\n")
        self.node.stdin.flush()
        line = self.node.stdout.readline()
        assert line, f"Node ended with code {self.node.wait(10)} at {call}."
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise Refused(said["error"])
        return said["result"]


@contextmanager
def wants(status: int, words: str = "", *, by: str = "") -> Iterator[dict[str, Any]]:
    """The client must raise the class that it has for this status, with every field parsed; they are handed back."""
    found: dict[str, Any] = {}
    with pytest.raises(Refused) as refused:
        yield found
    found.update(refused.value.said)
    assert refused.value.status == status, found
    assert words in found["message"]
    if status == 404 and by in TEXT_ALONE:
        assert found["name"] == "SDKError"
        return
    assert found["name"] == ("ValidationErrorDto" if status == 422 else "ErrorDto"), found
    assert found["dataStatus"] == status
    assert found["timestamp"].endswith("Z")
    assert found["path"].startswith(("/v1/", "/v2/"))


@contextmanager
def running() -> Iterator[subprocess.Popen[str]]:
    """The Node process. Without npm the test skips, on CI it fails."""
    try:
        entry, node = PACKAGE.install(), tool("node")
    except NotThereError as error:
        if os.getenv("CI") == "true":
            raise
        pytest.skip(str(error))
    pipe = subprocess.PIPE
    with subprocess.Popen([node, str(RUNNER), str(entry)], stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
