"""A workspace's own Prometheus: who it is, where it finds the hub, and what it is told of that workspace alone."""

from __future__ import annotations

import json
import logging
import secrets
import shlex
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.kit import metrics
from atlas_hub.kit.errors import Incomplete, NotFound, Unauthenticated, VaultLocked
from atlas_hub.kit.ids import is_id
from atlas_hub.kit.ladder import silent
from atlas_hub.kit.secret import Secret
from atlas_hub.services import credentials, truths, workspace_figures
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import changing
from atlas_hub.services.opening import find_method
from atlas_hub.services.views import State, Truth
from atlas_hub.storage import connections as stored
from atlas_hub.storage import scraping as queries
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to
from atlas_hub.storage.vault import Vault

log = logging.getLogger(__name__)

PREFIX: Final = "/prometheus/v1.0"
SLUG, METHOD, SCOPE = "prometheus", "pull", "prometheus:scrape"
TRIES, TRY_SECONDS = 10, 300
"""How many wrong passwords a caller may give for a workspace, and within how long."""
SEEN_EVERY: Final = timedelta(minutes=1)
SIGNED_IN: Final = "Prometheus signed in."
SCRAPED: Final = "Prometheus scraped it."
REFUSED: Final = (
    "User name and password do not open this workspace's metrics. Compare them with those of the Prometheus card, "
    "and see there whether scraping is on."
)
PLACEHOLDER: Final = "<the password>"
"""What stands for the password in the configuration to copy."""
INTERVAL: Final = "60s"
FILE: Final = "/etc/prometheus/atlas-hub.json"


@dataclass(frozen=True)
class Scraper:
    """A Prometheus that signed in: the workspace it may read, and by which connection."""

    workspace: str
    row: Connection
    form: Any


async def admitted(hub: Hub, workspace: str, username: str, password: Secret, address: str) -> Scraper:
    """Who gives the stored pair of a workspace. `address` is where they call from.

    Raises `Unauthenticated`, whatever is wrong: nothing stored, switched off, no such workspace, another password; all
    are compared alike, counted alike and answered alike. `TooManyRequests` after ten of them in five minutes,
    `VaultLocked` where nothing can be opened.
    """
    limit = {"times": TRIES, "seconds": TRY_SECONDS}
    who = f"{workspace if is_id(workspace) else '-'} {address}"
    text = "Ten wrong user names or passwords came from this address within five minutes. Wait, then go on."
    await hub.limits.check("scrape", who, text=text, **limit)
    found = await _found(hub, workspace)
    hub.vault.require_open()
    row, credential = found or _nobody(hub.vault)
    _, method = find_method(SLUG, METHOD)
    form: Any
    try:
        form = credentials.unseal(hub.vault, row, credential, method)
    except (VaultLocked, Incomplete):  # sealed with another key: the card says so
        found = None
        form = credentials.unseal(hub.vault, *_nobody(hub.vault), method)
    named, knows = Secret(form.username) == Secret(username), form.password == password
    if not (named and knows and form.enabled and found):
        await hub.limits.hit("scrape", who, text=text, **limit)
        raise Unauthenticated(REFUSED)
    # Again, for many that came at once were all let past the first look before one of them was counted.
    await hub.limits.check("scrape", who, text=text, **limit)
    return Scraper(workspace, row, form)


async def _found(hub: Hub, workspace: str) -> tuple[Connection, Credential] | None:
    if not hub.has_database or not is_id(workspace):
        return None
    async with hub.db.reading() as tx:
        return await queries.pair(tx, workspace, SCOPE)


@lru_cache(maxsize=4)
def _nobody(vault: Vault) -> tuple[Connection, Credential]:
    """A pair that nobody knows, sealed as the stored ones are, so that it takes as long to be told wrong."""
    credential = Credential(workspace="-", provider=SLUG, account_key="-", key_id=vault.active_id)
    password = Secret(secrets.token_urlsafe())
    credential.current = vault.seal({"password": password}, bound_to=bound_to(credential, "current"))
    row = Connection(
        workspace="-",
        source="-",
        provider=SLUG,
        method=METHOD,
        purpose="scrape",
        scope=SCOPE,
        identifier="-",
        label="-",
        account_key="-",
        options={"username": secrets.token_urlsafe(9), "service_discovery": "http", "enabled": True},
    )
    return row, credential


async def discovery(hub: Hub, scraper: Scraper) -> list[dict[str, Any]]:
    """Where this workspace's metrics are, as Prometheus reads it (its HTTP service discovery, and its files).

    The group's name is its id: a name may change, and every series with it.
    """
    await _seen(hub, scraper, scraped=False)
    labels = {
        "group_id": scraper.workspace,
        "group_name": scraper.workspace,
        "org_id": scraper.workspace,
        "__scheme__": scraper.form.scheme,
        "__metrics_path__": _path(scraper.workspace, "metrics"),
    }
    return [{"targets": [_target(hub.settings.address, scraper.form.scheme)], "labels": labels}]


async def figures(hub: Hub, scraper: Scraper) -> bytes:
    """The workspace's metrics in Prometheus's text form: two queries, however many other workspaces there are."""
    await _seen(hub, scraper, scraped=True)
    return metrics.text_of(await workspace_figures.gauges(hub, scraper.workspace))


async def _seen(hub: Hub, scraper: Scraper, *, scraped: bool) -> None:
    """Write that Prometheus was here, once a minute, and let open pages know. It never fails: it is logged instead."""
    told = Truth.DELIVERED if scraped else Truth.AUTHENTICATED
    at = workspace_figures.told_at(scraper.row.checks, told)
    fresh = scraper.row.checks.get(told.value, {}).get("status") == "yes"
    if fresh and at is not None and hub.now() - at < SEEN_EVERY:
        return
    provider, method = find_method(SLUG, METHOD)
    nobody = Actor(id=SLUG, name=provider.name, workspace=scraper.workspace, role=Role.READ_ONLY)
    try:
        async with changing(hub, nobody, begins=False) as change:
            row = await stored.find(change.tx, scraper.workspace, scraper.row.id)
            if row is None or row.connected_at != scraper.row.connected_at:
                return  # it came with a pair that is not stored any more
            row.checks = truths.told(row.checks, Truth.AUTHENTICATED, "yes", change.at, SIGNED_IN)
            if scraped:
                truths.delivered(row, SCRAPED, change.at)
            if row.state not in {State.OK, State.DEGRADED}:
                result = await method.check(scraper.form, hub.http, silent)
                truths.accepted(row, provider, result, change.at)
    except (*Unreachable, NotFound):
        log.warning("That Prometheus was here could not be written down.", exc_info=True)
        return
    await hub.bus.publish(Changed(scraper.workspace, SLUG))


def _path(workspace: str, what: str) -> str:
    return f"{PREFIX}/groups/{workspace}/{what}"


def _target(address: str, scheme: str) -> str:
    """Host and port of the hub's address; the scheme's usual port where it has none."""
    parts = urlsplit(address)
    return parts.netloc if parts.port else f"{parts.netloc}:{443 if scheme == 'https' else 80}"


def scrape_config(address: str, workspace: str, *, username: str, service_discovery: str, scheme: str) -> str:
    """What to copy into prometheus.yml: YAML, with `<the password>` where the password belongs.

    `address` is the hub's own (`settings.address`), the rest is what the connection's options say.
    """
    parts = urlsplit(address)
    url = f"{scheme}://{parts.netloc}{_path(workspace, 'discovery')}"
    pair = [f"username: {json.dumps(username, ensure_ascii=False)}", f'password: "{PLACEHOLDER}"']
    lines = [
        *([] if scheme == parts.scheme else [f"# The hub's address is {address}: does {scheme} lead there, too?"]),
        "scrape_configs:",
        f"  - job_name: atlas-hub-{workspace}",
        f"    scheme: {scheme}",
        f"    metrics_path: {_path(workspace, 'metrics')}",
        f"    scrape_interval: {INTERVAL}",
        "    basic_auth:",
        *(f"      {line}" for line in pair),
    ]
    if service_discovery == "http":
        lines += [
            "    http_sd_configs:",
            f"      - url: {url}?targetScheme=PUBLIC",
            f"        refresh_interval: {INTERVAL}",
            "        basic_auth:",
            *(f"          {line}" for line in pair),
        ]
    else:
        lines += [
            f"    # The file, made once: curl --fail --user {shlex.quote(username)} --output {FILE} \\",
            f"    #   {url}",
            "    file_sd_configs:",
            f"      - files: [{FILE}]",
        ]
    return "\n".join(lines) + "\n"
