"""What holds for every provider with a way in by consent, those of other packages included."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, AppForm, Ask, Consent
from atlas_hub.providers.contract import Form, Method
from atlas_hub.services import apps
from tests.oauth.ground import Ground, told

CONSENTS = [slug for slug, provider in PROVIDERS.items() if provider.oauth is not None]
ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs" / "security.md"
REDIRECT = "https://hub.example/oauth/callback/x?a=b&c=d"


def test_the_three_of_the_page_are_here() -> None:
    assert {"slack", "teams", "discord"} <= set(CONSENTS)


@pytest.mark.parametrize("slug", CONSENTS)
@pytest.mark.parametrize("person", [False, True])
def test_the_address_says_who_asks_and_where_to_come_back(ground: Ground, slug: str, person: bool) -> None:  # noqa: FBT001
    consent = apps.consent_of(PROVIDERS[slug])
    if person and not consent.links_people:
        pytest.skip("It cannot tell who a person is.")
    app = App(id="env", client_id="client & id=1", client_secret=Secret("s3cret-of-the-app"))
    ask = Ask(
        redirect_uri=REDIRECT,
        state="st&te=#1",
        scopes=("a", "b"),
        challenge="c" * 43,
        nonce="n0nce",
        person=person,
    )
    address = consent.address(app, ask, ground.hub.http)
    said = told(address)
    assert said["client_id"] == "client & id=1"
    assert said["redirect_uri"] == REDIRECT
    assert said["state"] == "st&te=#1"
    assert "s3cret" not in address
    assert urlsplit(address).netloc == urlsplit(ground.vendors.of(slug).base).netloc
    if consent.pkce and "response_type" in said:
        assert said["response_type"] == "code"
        assert (said["code_challenge"], said["code_challenge_method"]) == ("c" * 43, "S256")
    assert said.get("response_type", "code") == "code"


@pytest.mark.parametrize("slug", CONSENTS)
def test_it_is_a_method_with_words_and_variables(slug: str) -> None:
    provider = PROVIDERS[slug]
    consent = apps.consent_of(provider)
    assert isinstance(consent, Consent)
    assert isinstance(consent, Method)
    assert provider.method(consent.key) is consent
    assert consent not in provider.methods
    assert 3 < len(consent.button) < 40
    assert not consent.button.endswith(".")
    assert consent.by_hand.endswith(".")
    assert provider.name.split()[-1] in consent.by_hand or "Entra" in consent.by_hand
    assert issubclass(consent.app, AppForm)
    assert {"client_id", "secret_key"} <= set(consent.variables) <= set(consent.app.model_fields)
    assert all(name.isupper() for name in consent.variables.values())
    assert provider.oauth_env == (consent.variables["client_id"], consent.variables["secret_key"])
    form: type[Form] = consent.form
    assert set(consent.from_app) <= set(form.model_fields)
    assert set(consent.from_app.values()) <= {"client_id", *consent.app.secrets()}
    assert {"secret_key"} <= consent.app.secrets()


@pytest.mark.parametrize("slug", CONSENTS)
async def test_the_redirect_address_is_its_own(ground: Ground, slug: str) -> None:
    every = {apps.redirect_of(ground.hub, PROVIDERS[each]) for each in CONSENTS}
    assert len(every) == len(CONSENTS)
    assert apps.redirect_of(ground.hub, PROVIDERS[slug]) == f"http://hub.test/oauth/callback/{slug}"


def test_who_sends_no_challenge_is_one_of_those_that_the_documentation_names() -> None:
    without = {slug for slug in CONSENTS if not apps.consent_of(PROVIDERS[slug]).pkce}
    assert without == {"slack"}
    assert "Slack takes no challenge" in SECURITY.read_text()


def test_the_documentation_names_tests_that_are_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", SECURITY.read_text())
    assert len(named) > 30
    for file, test in named:
        path = ROOT / file if "/" in file else Path(__file__).with_name(file)
        assert re.search(rf"def {test}\(", path.read_text()), f"{file}::{test}"
