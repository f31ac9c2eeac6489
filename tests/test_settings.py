"""Settings: read from the environment, refused by name, never by value."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_hub.kit.errors import BadForm
from atlas_hub.settings import DeployMode, load


def test_the_defaults_are_a_hub_on_this_machine() -> None:
    settings = load()
    assert (settings.deploy_mode, settings.production, settings.has_database) == (DeployMode.SELF_HOSTED, False, True)
    assert (settings.address, settings.rate_limit_rpm, settings.api_rate_limit_rpm) == (
        "http://localhost:3000",
        120,
        1200,
    )
    assert settings.database == "sqlite:///.atlas/atlas.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATLAS_DEPLOY_MODE", "saas"),
        ("DATABASE_URL", "postgresql://hub@db/hub"),
        ("HOST", "0.0.0.0"),  # noqa: S104  # the address is the point
    ],
)
def test_production_means(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert load().production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATLAS_DEPLOY_MODE", "cloudy"),
        ("ATLAS_API_KEY", "tooshort"),
        ("ATLAS_METRICS_TOKEN", "tooshort"),
        ("ATLAS_LOG_FORMAT", "yaml"),
        ("ATLAS_RATE_LIMIT_RPM", "-1"),
        ("ATLAS_RATE_LIMIT_RPM", "many"),
        ("ATLAS_OUTBOUND_ALLOW", "10.0.0.0/33"),
        ("ATLAS_TRUSTED_PROXIES", "proxy"),
        ("ATLAS_PUBLIC_URL", "hub.example.com"),
        ("ATLAS_PUBLIC_URL", "//hub.example.com"),
        ("ATLAS_PUBLIC_URL", "wss://hub.example.com"),
        ("ATLAS_PUBLIC_URL", "https://"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com/hub"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com?a=b"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com/?"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com#top"),
        ("ATLAS_PUBLIC_URL", "https://ana:canary@hub.example.com"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com:"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com:0"),
        ("ATLAS_PUBLIC_URL", "https://hub.example.com:65536"),
        ("ATLAS_PUBLIC_URL", "https://[::1"),
        ("ATLAS_PUBLIC_URL", "https://[:::]"),
        ("ATLAS_PUBLIC_URL", "https://hub example.com"),
        ("ATLAS_PUBLIC_URL", "https://bücher.example"),
        ("PORT", "70000"),
        ("ATLAS_UPSTREAM_SLACK", "slack.local"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_never_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadForm) as refused:
        load()
    assert list(refused.value.fields) == [name]
    if name in {"ATLAS_API_KEY", "ATLAS_METRICS_TOKEN"}:
        assert value not in refused.value.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://hub.example.com", "https://hub.example.com"),
        ("HTTPS://Hub.Example.COM/", "https://hub.example.com"),
        ("https://hub.example.com//", "https://hub.example.com"),
        ("https://hub.example.com:443", "https://hub.example.com"),
        ("http://hub.example.com:80/", "http://hub.example.com"),
        ("http://hub.example.com:443", "http://hub.example.com:443"),
        ("https://hub.example.com:08443", "https://hub.example.com:8443"),
        ("http://192.0.2.7:3000", "http://192.0.2.7:3000"),
        ("http://[2001:DB8:0:0:0:0:0:1]:3000", "http://[2001:db8::1]:3000"),
        (" https://xn--bcher-kva.example ", "https://xn--bcher-kva.example"),
    ],
)
def test_the_public_address_is_kept_as_browsers_name_it(monkeypatch: pytest.MonkeyPatch, given: str, kept: str) -> None:
    monkeypatch.setenv("ATLAS_PUBLIC_URL", given)
    assert load().address == kept


def test_a_public_address_that_is_refused_says_what_to_write_and_not_what_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_PUBLIC_URL", "https://ana:canary@hub.example.com/canary?canary")
    with pytest.raises(BadForm) as refused:
        load()
    assert refused.value.text.startswith("ATLAS_PUBLIC_URL: must be ")
    assert "https://hub.example.com or http://192.0.2.7:3000" in refused.value.text
    assert "canary" not in refused.value.text


def test_a_vendors_variable_is_a_secret_and_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load()
    assert settings.env("SLACK_BOT_TOKEN") is None
    monkeypatch.setenv("SLACK_BOT_TOKEN", " xoxb-1 ")
    token = settings.env("SLACK_BOT_TOKEN")
    assert token is not None
    assert token.reveal() == "xoxb-1"


def test_no_text_of_the_settings_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://hub:canary@db/hub",
        "REFLEX_REDIS_URL": "redis://:canary@db",
        "ATLAS_API_KEY": "canary-canary-canary",
        "ATLAS_ENCRYPTION_KEYS": "v1:canary",
    }.items():
        monkeypatch.setenv(name, value)
    assert "canary" not in repr(load()) + str(load())


def test_upstreams_are_named_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", "http://127.0.0.1:9/prefix/")
    assert load().upstreams == {"SLACK": "http://127.0.0.1:9/prefix"}


def test_the_key_file_is_beside_the_database(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    assert settings.key_file.parent == tmp_path
