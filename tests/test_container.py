"""The container's files say what the code understands. No container engine is needed, and none is run here."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from atlas_hub.api import operator
from atlas_hub.api.traffic import GRACE_SECONDS
from atlas_hub.cli import COMMANDS
from atlas_hub.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERFILE = (ROOT / "Containerfile").read_text()
KNOWN = {str(field.validation_alias) for field in Settings.model_fields.values()}


def test_every_variable_of_the_hub_is_a_setting() -> None:
    for service in ("hub", "migrate"):
        assert set(COMPOSE["services"][service]["environment"]) <= KNOWN
    named = re.findall(r"\b((?:ATLAS_|DATABASE_|REFLEX_REDIS)\w+)=", CONTAINERFILE)
    assert named == ["ATLAS_DATA_DIR"]
    assert set(named) <= KNOWN


def test_keys_and_passwords_must_be_given_and_no_value_is_written_down() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in ("ATLAS_ENCRYPTION_KEYS", "POSTGRES_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}(.*?)\}}", text)
        assert uses
        for use in uses:
            assert re.fullmatch(r":\?[A-Z][^{}]+\.", use), "unset must fail with a sentence"
    assert not re.search(r"v\d+:[A-Za-z0-9+/]{40}", text + CONTAINERFILE)


def test_every_command_and_health_path_exists() -> None:
    hub, migrate = COMPOSE["services"]["hub"], COMPOSE["services"]["migrate"]
    assert migrate["command"][0] == "atlas-hub"
    for word in [migrate["command"][1], *re.findall(r"\batlas-hub\"?,? \"?(\w+)", CONTAINERFILE)]:
        assert word in COMMANDS
    said = " ".join(hub["healthcheck"]["test"]) + CONTAINERFILE
    paths = set(re.findall(r"http://127\.0\.0\.1:3000(/\w+)", said))
    assert paths == {"/readyz", "/healthz"} <= set(operator.ANSWERS)


def test_the_hub_waits_for_what_it_needs_and_is_given_time_to_stop() -> None:
    services = COMPOSE["services"]
    needs = services["hub"]["depends_on"]
    assert needs["migrate"]["condition"] == "service_completed_successfully"
    for name in ("postgres", "redis"):
        assert needs[name]["condition"] == "service_healthy"
        assert services[name]["healthcheck"]
        assert "ports" not in services[name], "only the hub is reached from outside"
    assert int(services["hub"]["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS + 10


def test_the_image_is_not_root_s_and_gets_nothing_that_should_stay_here() -> None:
    last = CONTAINERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER hub$", last, re.MULTILINE)
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert {".git", ".web", ".states", ".atlas", "*.db", "*.db-wal", "*.key", ".env", ".venv"} <= ignored
    for copied in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINERFILE, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists(), name
            assert name not in ignored
