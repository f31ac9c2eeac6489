"""Metrics of this workspace's connections, for a Prometheus of your own to scrape.

1. Choose a user name, and a password of at least 16 characters that is used nowhere else.
2. Choose how Prometheus finds the hub: http asks the hub for its targets, file reads them from a file.
3. Choose Connect, then copy the scrape configuration into prometheus.yml.
4. Enter the password in it, or name a file that holds it, and reload Prometheus.
5. The card says when Prometheus was last seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, field_validator

from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import (
    Category,
    CheckResult,
    Form,
    Method,
    Names,
    Provider,
    Purpose,
)

SHORTEST, LONG_ENOUGH, LONGEST = 8, 16, 512
UNSEEN: Final = (
    "This cannot be checked without Prometheus: it calls the hub. Copy the scrape configuration into prometheus.yml; "
    "the card says when Prometheus was seen."
)
SHORT: Final = f"The password is shorter than {LONG_ENOUGH} characters. Enter a longer one here and in Prometheus."
OFF: Final = "Scraping is switched off: the hub refuses Prometheus until it is switched on."


class PrometheusPair(Form):
    """Who Prometheus is when it calls, and how it finds what to scrape."""

    username: str = Field(
        title="User name",
        description="What Prometheus signs in with, without a colon.",
        examples=["prom_user"],
        max_length=200,
        json_schema_extra={"at_once": True, "suggests": "prom_user_{workspace}"},
    )
    password: Secret = Field(
        title="Password",
        description=f"At least {SHORTEST} characters; {LONG_ENOUGH} or more are better. It is never shown again.",
        json_schema_extra={"at_once": True, "shows": "nothing", "generates": True},
    )
    service_discovery: Literal["http", "file"] = Field(
        title="Service discovery",
        description="http: Prometheus asks the hub for its targets. file: it reads them from a file that you keep.",
        json_schema_extra={"at_once": True},
    )
    enabled: bool = Field(
        title="Let Prometheus scrape",
        description="While this is off, the hub refuses Prometheus.",
        json_schema_extra={"input": "checkbox", "checked": True, "at_once": True},
    )
    scheme: Literal["http", "https"] = Field(
        default="https",
        title="Scheme",
        description="How Prometheus reaches the hub; http sends the password in the clear.",
        json_schema_extra={"at_once": True, "suggests": "{scheme}"},
    )

    @field_validator("username")
    @classmethod
    def _can_sign_in(cls, value: str) -> str:
        if ":" in value or not value.isprintable():
            raise ValueError("A user name has no colon and no characters that cannot be seen. Choose another.")
        return value

    @field_validator("password")
    @classmethod
    def _is_a_password(cls, value: Secret) -> Secret:
        if not SHORTEST <= len(value) <= LONGEST or not value.reveal().isprintable():
            raise ValueError(
                f"A password has {SHORTEST} to {LONGEST} characters, none of which is unseen. Choose another."
            )
        return value


class Pull(Method[PrometheusPair]):
    """Prometheus calls the hub; there is nobody to ask."""

    key, label, form, purpose = "pull", "Prometheus", PrometheusPair, Purpose.SCRAPE
    wire_type = "PROMETHEUS"

    def called(self, form: PrometheusPair) -> str:
        """The user name that Prometheus signs in with."""
        return form.username

    def facts(self, form: PrometheusPair) -> Mapping[str, str]:
        """How it signs in, and how it finds the hub."""
        return {
            "User name": form.username,
            "Service discovery": form.service_discovery,
            "Scraping": "on" if form.enabled else "off",
        }

    async def check(self, form: PrometheusPair, http: Http, report: Report) -> CheckResult:
        """Look at the form alone: only Prometheus, when it calls, proves anything."""
        del http
        limits = (*(() if form.enabled else (OFF,)), *((SHORT,) if len(form.password) < LONG_ENOUGH else ()))
        with Ladder(report).step("format", "Look at user name and password") as rung:
            rung.detail = " ".join(limits) or "They can be used."
        return CheckResult(account=None, label=self.called(form), warnings=limits, limits=limits, unproven=UNSEEN)


PROVIDER = Provider(
    slug="prometheus",
    name="Prometheus",
    category=Category.ALERTING,
    docs="https://prometheus.io/docs/prometheus/latest/http_sd/",
    about=__doc__ or "",
    stops="Prometheus is refused from then on, and its alerts on these metrics find nothing.",
    methods=(Pull(),),
    names=Names(),
)
