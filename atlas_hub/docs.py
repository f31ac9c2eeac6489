"""Write the generated parts of the docs from the code itself: settings, providers, the API. `--check` only compares."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from atlas_hub import docs_api
from atlas_hub import providers as here
from atlas_hub.kit.http import Upstream
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Alerts, Feature, Method, Provider, Purpose, Sends
from atlas_hub.settings import Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"

VENDOR_VARIABLES = {
    "SLACK_CLIENT_ID": "With `SLACK_CLIENT_SECRET`: the app by which it is [connected by consent](oauth.md).",
    "SLACK_CLIENT_SECRET": "See `SLACK_CLIENT_ID`.",
    "SLACK_BOT_TOKEN": "Connects Slack in the first workspace of a self-hosted hub, where nothing else does. It can be "
    "adopted into the store on the page.",
    "SLACK_SIGNING_SECRET": "Goes with `SLACK_BOT_TOKEN`; for verifying Slack's calls, none of which is answered yet.",
    "TEAMS_APP_ID": "With `TEAMS_APP_PASSWORD`: the app by which it is [connected by consent](oauth.md).",
    "TEAMS_APP_PASSWORD": "See `TEAMS_APP_ID`.",
    "DISCORD_CLIENT_ID": "With `DISCORD_CLIENT_SECRET`: the app by which it is [connected by consent](oauth.md).",
    "DISCORD_CLIENT_SECRET": "See `DISCORD_CLIENT_ID`.",
    "DISCORD_BOT_TOKEN": "The token of that application's bot. Without it nothing can be sent to a server that was "
    "added by consent, and the card says so.",
    "ATLAS_SMTP_URL": "An http(s) address that takes mail as JSON (`from`, `to`, `subject`, `html`). Mail of a "
    "workspace that has set up none of its own goes there.",
    "RESEND_API_KEY": "The same through Resend, where `ATLAS_SMTP_URL` is not set.",
    "ATLAS_EMAIL_FROM": "The sender of both; of `Name <address>` the address counts. Unset: `no-reply@` and the host "
    "of the public address.",
    "WHATSAPP_GRAPH_VERSION": "The version of Meta's Graph API. Unset: `v18.0`.",
}
"""The vendors' variables that are read now, and for what."""


def configuration() -> str:
    """docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Environment variables; every one has a default. This page is written by `make docs`.",
        "",
        "| variable | default | what |",
        "|---|---|---|",
    ]
    for field in Settings.model_fields.values():
        default = str(field.default) if field.default not in (None, "", ()) else "unset"
        lines.append(f"| `{field.validation_alias}` | {_code(default)} | {field.description} |")
    lines += ["", "## The vendors' own", "", "| variable | what |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in VENDOR_VARIABLES.items()]
    lines += [
        "",
        "## Another address for a vendor",
        "",
        "Each replaces `scheme://host[:port]` of the vendor by another base, its path included; the original path",
        "is appended. `{region}` in it takes the region's name (`EU`, `US3`, `eu-west-1`), where the vendor has any.",
        "It is the operator's word: the outbound guard is for what admins type.",
        "",
        "| variable | stands for |",
        "|---|---|",
    ]
    lines += [f"| `ATLAS_UPSTREAM_{name}` | {', '.join(bases)} |" for name, bases in _upstreams().items()]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return text if text == "unset" else f"`{text}`"


def _upstreams() -> dict[str, list[str]]:
    """NAME → what it replaces: several addresses where a vendor has one per region."""
    names = [f"{here.__name__}.{module.name}" for module in iter_modules(here.__path__)]
    names += [type(method).__module__ for provider in PROVIDERS.values() for method in provider.methods]
    values = [value for name in dict.fromkeys(names) for value in vars(import_module(name)).values()]
    each = [inner for value in values for inner in (value.values() if isinstance(value, dict) else [value])]
    found: dict[str, dict[str, None]] = {}
    for upstream in each:
        if isinstance(upstream, Upstream):
            found.setdefault(upstream.name, {})[f"`{upstream.base}`"] = None
    return {name: [*found[name]] for name in sorted(found)}


def providers() -> str:
    """docs/providers.md."""
    lines = ["# Providers", "", "What can be connected now. This page is written by `make docs`.", ""]
    for provider in PROVIDERS.values():
        lines += [*_provider(provider), ""]
    return "\n".join(lines)


def _provider(provider: Provider) -> list[str]:
    lines = [f"## {provider.name}", "", provider.sentence, ""]
    lines += [f"{number}. {step}" for number, step in enumerate(provider.steps, 1)]
    lines += ["", f"The vendor's own guide: <{provider.docs}>", ""]
    for method in provider.methods:
        lines += [*_method(provider, method), ""]
    lines += _consent(provider)
    if provider.features:
        lines += [f"It can: {', '.join(_feature(provider, feature) for feature in provider.features)}.", ""]
    lines += [*(f"- {limit}" for limit in provider.limits), ""] if provider.limits else []
    for way in provider.environment:
        names = ", ".join(f"`{name}`" for name in way.variables.values())
        lines += [f"From the environment ({way.method.label}): {names}.", ""]
    if provider.needed_scopes:
        lines += [f"Scopes: {', '.join(f'`{scope}`' for scope in sorted(provider.needed_scopes))}.", ""]
    lines.append(f"When it is disconnected: {provider.stops}")
    return lines


def _consent(provider: Provider) -> list[str]:
    consent = provider.oauth
    if consent is None:
        return []
    given = ", ".join(f"`{name}`" for name in consent.variables.values())
    return [
        f"**By consent** (*{consent.button}*), through an app that the operator gives ({given}) or that a workspace "
        f"stores under *OAuth apps*. Its redirect address is `<ATLAS_PUBLIC_URL>/oauth/callback/{provider.slug}`"
        + (", and `<ATLAS_PUBLIC_URL>/v1/integrations/chat/oauth/callback` for the chat API." if consent.links_people
           else "."),
        "",
        f"To take it back by hand: {consent.by_hand}",
        "",
    ]  # fmt: skip


def _feature(provider: Provider, feature: Feature) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in sorted(provider.features[feature]))
    name = feature.value.replace("_", " ")
    return f"{name} ({scopes})" if scopes else name


def _can(provider: Provider, method: Method[Any]) -> str:
    """What becomes of what was typed, and what it is good for."""
    if provider.lifecycle.closed:
        return "is kept and shown, and never used"
    if method.purpose is Purpose.SCRAPE:
        return "is what the service signs in to the hub with"
    if isinstance(method, Alerts):
        return "is checked before it is stored, as far as that can be done without posting, and takes test alerts"
    return f"is checked with the vendor before it is stored{', can send messages' if isinstance(method, Sends) else ''}"


def _method(provider: Provider, method: Method[Any]) -> list[str]:
    lines = [f"**{method.label}** {_can(provider, method)}.", ""]
    lines += ["| field | in the API | secret | required |", "|---|---|---|---|"]
    secrets = method.form.secrets()
    for name, field in method.form.model_fields.items():
        secret = "yes" if name in secrets else "no"
        required = "yes" if field.is_required() else "no"
        lines.append(f"| {field.title or name} | `{field.alias}` | {secret} | {required} |")
    return lines


PAGES = {"admin-api.md": docs_api.page, "configuration.md": configuration, "providers.md": providers}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are stale; 1 where one is."""
    stale = [name for name, write in PAGES.items() if _read(DOCS / name) != write()]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/{name} is stale: run `make docs`.\n")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
