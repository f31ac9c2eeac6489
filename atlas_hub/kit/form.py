"""What an admin types, as a model: secret fields by their type, words at each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from atlas_hub.kit.secret import HIDDEN, Secret, mask
from atlas_hub.kit.stars import host_of, starred, starred_url, starred_whole


class Form(BaseModel):
    """What an admin types to use one method. A field is secret when its type is `Secret` (or `Secret | None`).

    `Field(title=…, description=…, examples=[…])` are the words at the input; the API's name is the camelCase alias.
    `json_schema_extra={"input": "email" | "number" | "checkbox" | "textarea" | "url"}` chooses the input;
    `"lookalikes": {beginning: sentence}` is what is said at once of a paste that begins so; `"target": True` marks
    what decides where the secrets are sent, so that they must be typed anew when it changes; `"at_once": True` what
    selects nothing at the vendor (a name), so that it applies before a new secret is proven; `"at_first": True` what
    the groups API wants where nothing is configured yet; `"shows": "host"` a secret address of which scheme and host
    may be seen, `"shows": "nothing"` a secret of which not even its length may be;
    `"suggests"` what the page's input begins with (`{workspace}` in it becomes the workspace's id, `{scheme}` that of
    the hub's address), `"generates": True` a secret that the page can make up in the browser, `"on_page": False` what
    only an API asks for.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """The names of the fields that are secret."""
        return frozenset(name for name, info in cls.model_fields.items() if info.annotation in (Secret, Secret | None))

    @classmethod
    def targets(cls) -> frozenset[str]:
        """The names of the fields that decide where the secrets are sent."""
        return frozenset(name for name in cls.model_fields if cls.said_of(name).get("target"))

    @classmethod
    def at_once(cls) -> frozenset[str]:
        """The names of the fields that select nothing at the vendor."""
        return frozenset(name for name in cls.model_fields if cls.said_of(name).get("at_once"))

    @classmethod
    def said_of(cls, name: str) -> Mapping[str, Any]:
        """The `json_schema_extra` of a field."""
        said = cls.model_fields[name].json_schema_extra
        return said if isinstance(said, dict) else {}

    def public(self) -> dict[str, Any]:
        """The fields that are not secret, by snake_case name, JSON-ready."""
        return self.model_dump(mode="json", exclude=set(self.secrets()))

    def masks(self) -> dict[str, str]:
        """What may be shown of the secrets that were given; nothing of a password (decisions §7 *Masks*)."""
        return {name: self._mask(name, secret) for name, secret in self.given_secrets().items()}

    def _mask(self, name: str, secret: Secret) -> str:
        shows = self.said_of(name).get("shows")
        if shows == "host":
            return host_of(secret)
        return HIDDEN if "password" in name or shows == "nothing" else mask(secret)

    def stars(self) -> dict[str, str]:
        """What the groups API shows of the secrets: shorter tails than `masks`, for its own fields alone."""
        return {
            name: starred_url(secret)
            if (shows := self.said_of(name).get("shows")) == "host"
            else starred_whole()
            if shows == "nothing"
            else starred(secret)
            for name, secret in self.given_secrets().items()
            if "password" not in name
        }

    def given_secrets(self) -> dict[str, Secret]:
        """The secret fields that were given."""
        values = {name: getattr(self, name) for name in sorted(self.secrets())}
        return {name: value for name, value in values.items() if value is not None}
