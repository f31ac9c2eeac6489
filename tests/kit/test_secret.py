"""A secret can be used but not seen."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from string import Template
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from atlas_hub.kit.secret import HIDDEN, Secret, mask

CANARY = "canary-7f3e9a1b2c"


class Form(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    token: Secret


@pytest.mark.parametrize(
    "show",
    [
        str, repr, "{}".format, "{!r}".format, "{:>40}".format, "{:s}".format, lambda secret: f"{secret}",
        lambda secret: Template("$it").substitute(it=secret), ascii, lambda secret: repr([secret, {"a": secret}]),
        lambda secret: repr(Form(name="n", token=secret)), lambda secret: str(Form(name="n", token=secret)),
        dir, lambda secret: json.dumps({"token": str(secret)}),
    ],
)  # fmt: skip
def test_no_text_form_shows_it(show: Any):
    assert CANARY not in str(show(Secret(CANARY)))


def test_it_has_no_dict_and_one_exit():
    secret = Secret(CANARY)
    with pytest.raises(TypeError):
        vars(secret)
    assert secret.reveal() == CANARY


@pytest.mark.parametrize(
    "leave",
    [
        pickle.dumps, copy.copy, copy.deepcopy, json.dumps, lambda secret: pickle.dumps({"state": [secret]}),
        lambda secret: pickle.dumps(secret, protocol=0), lambda secret: copy.deepcopy({"state": secret}), hash,
        lambda secret: {secret}, lambda secret: Form(name="n", token=secret).model_dump(),
        lambda secret: Form(name="n", token=secret).model_dump_json(),
        lambda secret: Form(name="n", token=secret).model_dump(mode="json"),
        lambda secret: TypeAdapter(Form).dump_json(Form(name="n", token=secret)),
        lambda secret: TypeAdapter(Form).dump_python(Form(name="n", token=secret)),
        lambda secret: pickle.dumps(Form(name="n", token=secret)),
        lambda secret: Form(name="n", token=secret).model_copy(deep=True),
    ],
)  # fmt: skip
def test_every_way_to_carry_it_off_is_refused_without_showing_it(leave: Any):
    with pytest.raises(Exception, match="Secret") as caught:
        leave(Secret(CANARY))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_form_dumps_what_is_not_secret():
    assert Form(name="n", token=Secret(CANARY)).model_dump(exclude={"token"}) == {"name": "n"}


@pytest.mark.parametrize(
    "values", [{"token": CANARY}, {"name": "n", "token": [CANARY]}, {"name": "n", "token": {"x": CANARY}}]
)
def test_a_refused_form_does_not_echo_it(values: dict[str, Any]):
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(values)
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert Form.model_validate({"name": "n", "token": CANARY}).token == Secret(CANARY)


def test_a_form_makes_it_from_text_and_strips_what_was_pasted_around_it():
    assert Form.model_validate({"name": "n", "token": f" {CANARY}\n"}).token.reveal() == CANARY
    assert Form.model_validate_json(json.dumps({"name": "n", "token": CANARY})).token.reveal() == CANARY


def test_the_schema_says_password_and_has_no_example():
    schema = Form.model_json_schema()["properties"]["token"]
    assert (schema["type"], schema["format"], schema["writeOnly"]) == ("string", "password", True)


def test_equality_length_and_truth():
    assert Secret("a") == Secret("a")
    assert Secret("ä") != Secret("a")
    assert Secret("a") != "a"
    assert len(Secret("abc")) == 3
    assert Secret("a")
    assert not Secret("")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", HIDDEN), ("a" * 15, HIDDEN), ("a" * 12 + "wxyz", f"{HIDDEN}wxyz"), ("a" * 99 + "12345", f"{HIDDEN}2345")],
)
def test_a_mask_has_a_tail_of_four_from_sixteen_characters(text: str, shown: str):
    assert mask(Secret(text)) == shown
