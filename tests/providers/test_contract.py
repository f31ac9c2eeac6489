"""What every provider must do, over the whole registry. Facts of a provider are in its entry (conftest), never here."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticSerializationError

from atlas_hub.kit.errors import BadForm, ProviderError, RateLimited
from atlas_hub.kit.secret import HIDDEN, Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Alerts, Feature, Sends

HERE = Path(__file__).parent
SECRET_WORDS = ("token", "secret", "password", "key", "credentials")
NO_SECRETS = {"public_key", "routing_key"}
STUCK = (
    "  {}\n",
    '"{}"',
    "\u201c{}\u201d",
    "Bearer {}",
    "'bearer {}' ",
    "\u200b{}\ufeff",
    "Authorization: Bearer {}",
    "`{}`",
)
BLANK = ("", "   ", "\t\n", None)


def every_word_of(error: BaseException) -> str:
    """All that a log, a traceback or an error page could show of an exception and of those behind it."""
    said, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def test_every_way_to_connect_is_in_this_suite(entries):
    known = {(entry.slug, entry.method) for entry in entries}
    assert known == {(slug, method.key) for slug, provider in PROVIDERS.items() for method in provider.methods}


def test_every_provider_has_a_test(provider):
    assert (HERE / f"test_{provider.slug}.py").is_file()


def test_no_two_providers_share_a_slug_a_name_or_a_wire_name():
    for name_of in (
        lambda provider: provider.slug,
        lambda provider: provider.name,
        lambda provider: provider.names.admin,
        lambda provider: provider.names.connections,
        lambda provider: provider.names.chat,
    ):
        names = [name for provider in PROVIDERS.values() if (name := name_of(provider))]
        assert len(names) == len(set(names))


def test_a_provider_says_what_it_is_and_how_to_connect_it(provider):
    assert provider.docs.startswith("https://")
    assert provider.sentence.endswith(".")
    assert len(provider.sentence) < 160
    assert len(provider.steps) >= 3
    assert all(step.strip() and len(step) < 130 for step in provider.steps)
    assert provider.stops.endswith(".")
    assert all(limit.endswith(".") and "!" not in limit for limit in provider.limits)
    assert "!" not in provider.about


def test_a_provider_names_its_methods_apart(provider):
    assert provider.methods
    for words in ([m.key for m in provider.methods], [m.label for m in provider.methods]):
        assert len(words) == len(set(words))
    if len(provider.methods) > 1:
        assert all(method.recommended_because for method in provider.methods)


def test_features_name_scopes_and_reading_history_is_not_asked_for(provider):
    on = {
        scope
        for feature, scopes in provider.features.items()
        if feature is not Feature.READ_HISTORY
        for scope in scopes
    }
    assert provider.needed_scopes == on


def test_a_field_that_sounds_secret_is_a_secret(way):
    for name, info in way.form.model_fields.items():
        is_secret = info.annotation is Secret or Secret in get_args(info.annotation)
        assert is_secret == (name in way.form.secrets())
        sounds = any(word in name for word in SECRET_WORDS) or way.form.said_of(name).get("shows") == "host"
        assert is_secret == (sounds and name not in NO_SECRETS)


def test_every_field_has_words(way):
    for name, info in way.form.model_fields.items():
        assert info.title, name
        assert info.description or info.examples, name


def test_the_schema_hides_secrets_and_shows_none(way):
    schema = way.form.model_json_schema()
    for name in way.form.secrets():
        said = schema["properties"][way.form.model_fields[name].alias]
        said = said["anyOf"][0] if "anyOf" in said else said
        assert said["format"] == "password"
        assert said["writeOnly"] is True


def test_a_form_with_its_secret_cannot_leave(world):
    form = world.form()
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(form)
    for leave in (form.model_dump, form.model_dump_json, lambda: form.model_dump(mode="json")):
        with pytest.raises((TypeError, PydanticSerializationError)):
            leave()
    shown = f"{form} {form!r} {form.public()} {form.given_secrets()}"
    assert not any(secret in shown for secret in world.secrets())


def test_a_mask_shows_a_tail_of_four_at_most(world):
    form = world.form()
    masks = form.masks()
    assert masks.keys() == form.given_secrets().keys()
    for name, secret in form.given_secrets().items():
        shows = form.said_of(name).get("shows")
        if shows == "host":  # an address: who may be reached there, and nothing of where and how
            assert re.fullmatch(r"https?://[a-z0-9.:-]+", masks[name])
            assert secret.reveal().startswith(f"{masks[name]}/")
            continue
        assert masks[name] in {HIDDEN, f"{HIDDEN}{secret.reveal()[-4:]}"}
        assert (len(secret) >= 16 and "password" not in name and shows is None) or masks[name] == HIDDEN


def test_a_form_reads_both_kinds_of_name_and_ignores_what_it_does_not_know(world):
    by_alias = world.form(unknown="x", another={"y": 1})
    aliases = {info.alias: name for name, info in world.way.form.model_fields.items()}
    by_name = world.way.read({aliases[alias]: value for alias, value in world.values.items()})
    assert by_alias == by_name


def test_a_missing_or_blank_field_is_named(world):
    for name, info in world.way.form.model_fields.items():
        if not info.is_required():
            continue
        for values in (
            {key: value for key, value in world.values.items() if key != info.alias},
            *({**world.values, info.alias: blank} for blank in BLANK),
        ):
            with pytest.raises(BadForm) as caught:
                world.way.read(values)
            assert list(caught.value.fields) == [name]
            assert info.title in caught.value.fields[name]
    assert world.form()


def test_all_that_is_missing_is_named_at_once(way):
    with pytest.raises(BadForm) as caught:
        way.read({})
    assert set(caught.value.fields) == {name for name, info in way.form.model_fields.items() if info.is_required()}


def test_a_value_of_the_wrong_kind_is_named_and_not_repeated(world):
    for name, info in world.way.form.model_fields.items():
        for wrong in (["canary"], {"canary": "canary"}, b"\xffcanary"):
            with pytest.raises(BadForm) as caught:
                world.form(**{info.alias: wrong})
            assert name in caught.value.fields
            assert "canary" not in every_word_of(caught.value)


def test_a_misshapen_value_is_refused_in_a_sentence_that_does_not_repeat_it(world):
    names = {info.alias: name for name, info in world.way.form.model_fields.items()}
    for alias, wrong in world.entry.misshapen.items():
        with pytest.raises(BadForm) as caught:
            world.form(**{alias: wrong})
        assert list(caught.value.fields) == [names[alias]]
        assert caught.value.fields[names[alias]].endswith(".")
        assert "canary" not in every_word_of(caught.value)
    assert world.form()


@pytest.mark.parametrize("stuck", STUCK)
def test_what_sticks_to_a_pasted_token_is_taken_off(world, stuck):
    names = {info.alias: name for name, info in world.way.form.model_fields.items()}
    for alias in world.entry.tokens:
        form = world.form(**{alias: stuck.format(world.values[alias])})
        assert getattr(form, names[alias]).reveal() == world.values[alias]


async def test_a_check_names_the_account_and_tells_its_steps_in_order(world):
    result = await world.check()
    assert result.label
    provider = PROVIDERS[world.entry.slug]
    if result.account is not None:
        assert set(result.account.wire) == {*provider.wire_fields, *provider.answer_fields}
        assert all(isinstance(text, str) and text for text in result.account.details.values())
    said = result.account and (result.account.key, result.account.app_key)
    assert said == world.entry.account
    ended = [step for step in world.steps if step.ok is not None]
    assert tuple(step.key for step in ended) == world.entry.steps
    assert [step.key for step in world.steps if step.ok is None] == [step.key for step in ended]
    assert all(step.text for step in world.steps)
    for begun, over in zip(world.steps[::2], world.steps[1::2], strict=True):
        assert (begun.key, begun.ok, begun.text) == (over.key, None, over.text)


async def test_a_check_says_no_secret(world, caplog):
    caplog.set_level(logging.DEBUG)
    result = await world.check()
    said = f"{result!r}{world.steps!r}{caplog.text}"
    assert not any(secret in said for secret in world.secrets())


def judged(world, trouble, error, caplog):
    """What holds for every error that a vendor causes."""
    assert type(error) is trouble.error
    assert world.entry.vendor.lower() in error.text.lower()
    assert error.text.endswith(".")
    words = every_word_of(error)
    for never in (*world.secrets(), "http://", "https://", "127.0.0.1"):
        assert never not in error.text
    for secret in world.secrets():
        assert secret not in words
        assert secret not in caplog.text
    if trouble.waits:
        assert isinstance(error, RateLimited)
        assert trouble.waits[0] <= error.retry_after <= trouble.waits[1]
    assert not getattr(world.standin, "followed", None)


async def test_trouble_at_the_vendor_ends_a_check_in_our_words_and_the_next_one_is_well(world, trouble, caplog):
    caplog.set_level(logging.DEBUG)
    world.begin(trouble)
    with pytest.raises(ProviderError) as caught:
        await world.check()
    judged(world, trouble, caught.value, caplog)
    ended = [step for step in world.steps if step.ok is not None]
    assert [step.ok for step in ended] == [True] * (len(ended) - 1) + [False]
    assert tuple(step.key for step in ended) == world.entry.steps[: len(ended)]
    world.mend()
    assert (await world.check()).label


async def test_trouble_at_the_vendor_ends_a_send_in_our_words_and_the_next_one_is_well(world, trouble, caplog):
    assert isinstance(world.way, Sends | Alerts)
    caplog.set_level(logging.DEBUG)
    world.begin(trouble)
    with pytest.raises(ProviderError) as caught:
        await world.send()
    judged(world, trouble, caught.value, caplog)
    world.mend()
    assert (await world.send()).id


@pytest.mark.delivers
async def test_a_message_arrives_and_the_receipt_is_the_vendors(world):
    receipt = await world.send()
    assert receipt.id
    assert world.entry.vendor.lower() in receipt.text.lower()
    assert receipt.text.endswith(".")
    assert len(world.standin.messages) == 1
    assert not any(secret in repr(receipt) for secret in world.secrets())


@pytest.mark.sends
async def test_a_destination_of_the_wrong_shape_is_refused_before_anyone_is_asked(world):
    for wrong in world.entry.wrong_to:
        with pytest.raises(BadForm) as caught:
            await world.send(wrong)
        assert list(caught.value.fields) == ["to"]
    assert not world.standin.calls
    assert (await world.send()).id


@pytest.mark.sends
async def test_the_example_destination_has_the_right_shape(world):
    for example in world.way.destination_example.split(" or "):
        with suppress(ProviderError):  # nobody is there; the shape passed
            await world.send(example)
    assert world.way.destination
