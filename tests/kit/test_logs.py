"""One line for each event, in both forms, with its id and without secrets."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from atlas_hub.kit import logs, redact

TOKEN = "xoxb-1234567890-canarycanary"


@pytest.fixture
def said():
    """Write something as a form does: `said("json", message, …)` is the line."""
    factory = logging.getLogRecordFactory()
    redact.install()
    written: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    def say(form: str, message: str, *given: object, **more) -> str:
        kept = Kept()
        kept.setFormatter(logs.FORMATS[form]())
        log = logging.getLogger("atlas_hub.test_of_logs")
        log.addHandler(kept)
        try:
            log.warning(message, *given, **more)
        finally:
            log.removeHandler(kept)
        return written[-1]

    yield say
    logging.setLogRecordFactory(factory)


def broken() -> tuple:
    try:
        int(TOKEN)
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_with_its_id_and_no_secret(said, form: str):
    mark = logs.request_id.set("request-7")
    line = said(form, "It said:\nforged line %s", TOKEN, exc_info=broken())
    logs.request_id.reset(mark)
    assert "\n" not in line
    assert "request-7" in line
    assert "ValueError" in line
    assert "canarycanary" not in line


def test_a_json_line_has_the_promised_fields(said):
    logs.request_id.set("-")  # as in a process that answers nobody now
    line = json.loads(said("json", "GET %s", "/x", extra={"route": "/x", "status": 200, "ms": 1, "method": "GET"}))
    assert line["message"] == "GET /x"
    assert (line["level"], line["logger"], line["requestId"]) == ("WARNING", "atlas_hub.test_of_logs", "-")
    assert (line["method"], line["route"], line["status"], line["ms"]) == ("GET", "/x", 200, 1)
    assert line["time"].endswith("Z")
    assert isinstance(line["pid"], int)
    assert "exception" not in line


def test_an_exception_is_one_field(said):
    line = json.loads(said("json", "It failed.", exc_info=broken()))
    assert "ValueError" in line["message"] + line.get("exception", "")
    assert "canarycanary" not in json.dumps(line)


def test_installing_again_does_not_write_twice():
    root = logging.getLogger()
    before = list(root.handlers)
    logs.install("text")
    logs.install("json")
    ours = [each for each in root.handlers if each not in before]
    assert [type(each.formatter) for each in ours] == [logs.Json]
    for each in ours:
        root.removeHandler(each)
    logging.captureWarnings(capture=False)
