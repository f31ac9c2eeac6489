"""Every setting, typed: the one place that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.secret import Secret

IpNetwork = IPv4Network | IPv6Network
SHORTEST_API_KEY = 16
_WEB_ADDRESS = re.compile(r"https?://[^/\s]+")
_ORIGIN = re.compile(r"(https?)://(?:([a-z0-9._-]+)|\[([0-9a-f:.]+)\])(?::([0-9]{1,6}))?/*", re.IGNORECASE | re.ASCII)
_USUAL_PORTS = {"http": 80, "https": 443}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
NO_DATABASE = "none"
GRAPH_VERSION = "WHATSAPP_GRAPH_VERSION"


class DeployMode(StrEnum):
    """Who runs the hub: its own users, or a provider for many."""

    SELF_HOSTED = "self-hosted"
    SAAS = "saas"


class LogFormat(StrEnum):
    """How the hub's own server writes its log."""

    TEXT = "text"
    JSON = "json"


class Worker(StrEnum):
    """Whether the web process does background work."""

    ON = "on"
    OFF = "off"


class Settings(BaseSettings):
    """The settings of one process. Vendor variables (`SLACK_CLIENT_ID`) are read through `env`."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True, env_ignore_empty=True
    )

    database_url: str = Field(
        default="",
        repr=False,
        validation_alias="DATABASE_URL",
        description="Where to keep everything: `postgresql://…`, `sqlite:///…`, or `none` for no internal "
        "database. Unset: the host's `rx.Config.db_url`, else a SQLite file in `ATLAS_DATA_DIR`.",
    )
    redis_url: str = Field(
        default="",
        repr=False,
        validation_alias="REFLEX_REDIS_URL",
        description="Redis, for several workers and machines: state, live changes and limits.",
    )
    deploy_mode: DeployMode = Field(
        default=DeployMode.SELF_HOSTED,
        validation_alias="ATLAS_DEPLOY_MODE",
        description="`self-hosted` or `saas`.",
    )
    public_url: str = Field(
        default="",
        validation_alias="ATLAS_PUBLIC_URL",
        description="The address browsers use, for links and callbacks: `https://` or `http://`, the host and, where "
        "it is not the usual one, the port; the hub cannot be served below a path. Unset: `http://localhost:<PORT>`.",
    )
    encryption_keys: Secret | None = Field(
        default=None,
        validation_alias="ATLAS_ENCRYPTION_KEYS",
        description="`v2:…,v1:…`, the first is active; each the base64 of exactly 32 bytes "
        "(`atlas-hub keys generate`). Unset in development: a key file beside the SQLite file.",
    )
    api_key: Secret | None = Field(
        default=None,
        validation_alias="ATLAS_API_KEY",
        description="A key that acts as owner of the first workspace, on the admin API alone. At least 16 characters.",
    )
    rate_limit_rpm: int = Field(
        default=120,
        ge=0,
        validation_alias="ATLAS_RATE_LIMIT_RPM",
        description="Admin API requests other than GET, and page events, a minute for each actor; 0 is off.",
    )
    api_rate_limit_rpm: int = Field(
        default=1200,
        ge=0,
        validation_alias="ATLAS_API_RATE_LIMIT_RPM",
        description="Requests a minute for each key on the other APIs; 0 is off.",
    )
    worker: Worker = Field(
        default=Worker.ON,
        validation_alias="ATLAS_WORKER",
        description="`on`: background work is done in the web process. `off`: only by `atlas-hub worker`; without "
        "Redis open pages then see its changes at their next load.",
    )
    trusted_proxies: Annotated[tuple[IpNetwork, ...], NoDecode] = Field(
        default=(),
        validation_alias="ATLAS_TRUSTED_PROXIES",
        description="CIDRs of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, comma-separated.",
    )
    outbound_allow: Annotated[tuple[IpNetwork, ...], NoDecode] = Field(
        default=(),
        validation_alias="ATLAS_OUTBOUND_ALLOW",
        description="CIDRs for which the outbound guard lifts address, port and scheme, comma-separated.",
    )
    data_dir: Path = Field(
        default=Path(".atlas"),
        validation_alias="ATLAS_DATA_DIR",
        description="Where the SQLite file and its key file are kept.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias="HOST",
        description="The address the stand-alone app listens on. Inside a host application it is not read.",
    )
    port: int = Field(default=3000, ge=1, le=65535, validation_alias="PORT", description="The port of page and APIs.")
    workers: int = Field(
        default=0,
        ge=0,
        validation_alias="GRANIAN_WORKERS",
        description="How many workers answer; more than one needs Redis. 0: one, and with Redis two for each core and "
        "one more.",
    )
    log_format: LogFormat = Field(
        default=LogFormat.TEXT,
        validation_alias="ATLAS_LOG_FORMAT",
        description="`text` or `json`: how the log is written, one line for each event.",
    )
    metrics_token: Secret | None = Field(
        default=None,
        validation_alias="ATLAS_METRICS_TOKEN",
        description="The bearer token for `/metrics`. At least 16 characters. Unset: there are no metrics.",
    )

    @field_validator("trusted_proxies", "outbound_allow", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
        return value

    @field_validator("api_key", "metrics_token")
    @classmethod
    def _long_enough(cls, value: Secret | None) -> Secret | None:
        if value is not None and len(value) < SHORTEST_API_KEY:
            raise ValueError("must be at least 16 characters long")
        return value

    @field_validator("public_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        return _origin(value.strip()) if value else value

    @field_validator("host")
    @classmethod
    def _numbered(cls, value: str) -> str:
        return "127.0.0.1" if value == "localhost" else value

    @property
    def saas(self) -> bool:
        """Whether the hub is run for many."""
        return self.deploy_mode is DeployMode.SAAS

    @property
    def has_database(self) -> bool:
        """Whether there is an internal database."""
        return self.database_url != NO_DATABASE

    @property
    def address(self) -> str:
        """The public address, without a slash at its end."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def metrics_dir(self) -> Path:
        """Where the workers of one server count."""
        return self.data_dir / "tmp" / f"metrics-{self.port}"

    @property
    def production(self) -> bool:
        """SaaS, PostgreSQL, or the stand-alone app bound to an address that is not loopback (decisions §2)."""
        return self.saas or self.database_url.startswith("postgres") or self.host not in LOOPBACK

    @property
    def key_file(self) -> Path:
        """Where development keeps its generated key."""
        return self.data_dir / "encryption.key"

    @property
    def database(self) -> str:
        """The URL to open; only where `has_database`."""
        return self.database_url or f"sqlite:///{self.data_dir / 'atlas.db'}"

    @property
    def upstreams(self) -> Mapping[str, str]:
        """`ATLAS_UPSTREAM_<NAME>`: NAME → the base that replaces the vendor's."""
        prefix = "ATLAS_UPSTREAM_"
        given = {key: value.rstrip("/") for key, value in os.environ.items() if key.startswith(prefix) and value}
        for key, value in given.items():
            if not _WEB_ADDRESS.match(value):
                raise BadForm({key: f"{key}: must begin with https:// or http:// and name a host."})
        return {key.removeprefix(prefix): value for key, value in given.items()}

    @property
    def versions(self) -> Mapping[str, str]:
        """NAME of an upstream → the version of its API that the operator chose."""
        version = os.environ.get(GRAPH_VERSION, "").strip()
        if version and re.fullmatch(r"v\d{1,3}\.\d{1,2}", version) is None:
            raise BadForm({GRAPH_VERSION: f"{GRAPH_VERSION}: must be a version of Meta's Graph API, such as v18.0."})
        return {"META_GRAPH": version} if version else {}

    def env(self, name: str) -> Secret | None:
        """A vendor's variable, or None where it is unset or empty."""
        value = os.environ.get(name, "").strip()
        return Secret(value) if value else None


def _origin(address: str) -> str:
    """An address as browsers name it in `Origin`, which the page's socket is compared with.

    Raises `ValueError` where it has anything beside scheme, host and port, or is none.
    """
    found = _ORIGIN.fullmatch(address)
    scheme, name, number, port = found.groups() if found else ("", "", "", None)
    with suppress(AddressValueError):
        host = f"[{IPv6Address(number)}]" if number else name.lower()
        usual = _USUAL_PORTS.get(scheme.lower(), 0)
        at = usual if port is None else int(port)
        if host and 0 < at <= 65535:  # noqa: PLR2004  # the last port there is
            return f"{scheme.lower()}://{host}" + ("" if at == usual else f":{at}")
    raise ValueError(
        "must be https:// or http://, a host and perhaps a port, such as https://hub.example.com or "
        "http://192.0.2.7:3000, without path, query, user or password; letters beyond a-z are written as xn--. "
        "To serve the hub beside something else, give it a host name or a port of its own"
    )


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises `BadForm` naming each variable that is wrong, never its value."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        fields = {
            str(issue["loc"][0]): f"{issue['loc'][0]}: {str(issue['msg']).removeprefix('Value error, ')}."
            for issue in error.errors(include_input=False, include_url=False)
        }
        raise BadForm(fields) from None
    _ = settings.upstreams, settings.versions  # refused now, not at the first call
    return settings
