"""The page is built without Node: what it is made of, and what it must never have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from reflex.istate.data import ReflexURL

from atlas_hub.accounts.frame import frame
from atlas_hub.providers import PARTS, PROVIDERS, key_of
from atlas_hub.providers.contract import Method, Provider
from atlas_hub.services.connections import Mode
from atlas_hub.ui import activity, doctor, forms, page, panel, theme
from atlas_hub.ui.cards import CARDS

WAYS = [(part, method) for part in PARTS.values() for method in part.methods]


@pytest.fixture(scope="module")
def made() -> Any:
    return page.at("/admin/integrations", frame)()


def inside(component: Any) -> Iterator[Any]:
    yield component
    for child in component.children:
        yield from inside(child)


def test_the_page_is_light(made: Any):
    libraries = set(made._get_all_imports())
    assert not [name for name in libraries if "radix" in name or "sonner" in name or "lucide" in name]


def test_the_script_comes_with_the_page(made: Any):
    assert any("window.atlasHub" in code for code in made._get_all_custom_code())


def test_the_panel_stands_without_a_frame_and_loads_by_itself(made: Any):
    text = str(panel())
    assert "Integrations" in text
    assert 'to:"?integration=telegram"' in text
    assert "/admin/integrations" not in text
    mounted = [str(each.event_triggers["on_mount"]) for each in inside(panel()) if "on_mount" in each.event_triggers]
    assert len([each for each in mounted if "function Page.load" in each]) == 1


@pytest.mark.parametrize(
    ("kind", "load"),
    [(page, "page____page.load"), (activity, "activity____activity.load"), (doctor, "doctor____doctor.load")],
)
def test_each_page_has_the_same_banners_and_loads_itself_again(kind: Any, load: str) -> None:
    text = str(kind.at("/admin/integrations")())
    trouble, notice = (text.partition(f'"data-banner":"{name}"')[2][:2000] for name in ("trouble", "notice"))
    assert load in trouble.partition("Retry")[0]
    assert "dismiss" in notice.partition("Dismiss")[0]
    assert text.count('"data-banner":"trouble"') == text.count('"data-banner":"notice"') == 1


@pytest.mark.parametrize(
    ("address", "drawer"),
    [
        ("/admin/integrations/telegram", "telegram"),
        ("/admin/integrations", ""),
        ("/prefix/admin/integrations/telegram/", "telegram"),
        ("/connections?integration=telegram&tab=2", "telegram"),
        ("/connections?tab=2", ""),
        ("/connections/slack", ""),
        ("/connections?integration=" + "x" * 90, "x" * 40),
    ],
)
def test_an_address_says_which_drawer_is_open(made: Any, address: str, drawer: str):
    assert page._slug(ReflexURL(f"http://localhost:3000{address}")) == drawer


def test_each_provider_has_a_card_and_a_drawer(made: Any):
    text = str(made)
    for slug in PROVIDERS:
        assert text.count(f'"data-card":"{slug}"') == 1
    for key in PARTS:
        assert f'"data-drawer":"{key}"' in text


@pytest.mark.parametrize(("provider", "method"), WAYS, ids=lambda each: getattr(each, "key", None))
def test_what_is_secret_is_typed_unseen_and_never_filled_in(provider: Provider, method: Method[Any]):
    inputs = {}
    for field in forms.fields(provider, method, CARDS[key_of(provider)]):
        for each in inside(field):
            if getattr(each, "name", None) is not None:
                inputs[str(each.name).strip('"')] = each
    fields = method.form.model_fields
    assert set(inputs) == {name for name in fields if method.form.said_of(name).get("on_page", True)}
    for name in method.form.secrets():
        shown = str(inputs[name])
        assert 'type:"password"' in shown or "textarea" in shown
        assert "defaultValue" not in shown
        assert "value:" not in shown.replace("defaultValue:", "")


def test_a_form_is_read_once_and_emptied():
    provider = PROVIDERS["email"]
    sent = {"_method": "smtp", "_mode": "add", "_anyway": "yes", "host": "h", "password": "p", "other": "x"}
    typed = forms.typed(provider, sent)
    assert (typed.method, typed.mode, typed.anyway) == ("smtp", Mode.ADD, True)
    assert typed.values == {"host": "h", "password": "p", "tls": False}
    assert sent == {}
    assert "'p'" not in repr(typed)


@pytest.mark.parametrize("mode", ["", "ask", "nonsense", None])
def test_nothing_but_an_answer_decides_about_another_account(mode: Any):
    assert forms.typed(PROVIDERS["slack"], {"_method": "bot_token", "_mode": mode}).mode is Mode.ASK


def test_an_unknown_way_has_no_fields():
    assert forms.typed(PROVIDERS["slack"], {"_method": "nope", "bot_token": "x"}).values == {}


def test_the_stylesheet_keeps_to_itself():
    path, text = theme.stylesheet()
    assert path.suffix == ".css"
    rules = [line for line in text.splitlines() if line and line[0] not in " @}/."]
    assert [line for line in rules if "ah-frame" not in line and "atlas-hub" not in line] == []
