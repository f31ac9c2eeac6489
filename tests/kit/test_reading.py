"""Sentences about what was typed."""

from __future__ import annotations

import pytest
from pydantic import Field

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.form import Form
from atlas_hub.kit.reading import read


class Names(Form):
    first: str = Field(title="First Name", max_length=3)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"first": "Anna"}, "First Name has more than 3 characters. Enter a shorter one."),
        ({"first": "  "}, "First Name is missing. Enter it."),
    ],
)
def test_a_field_that_is_wrong_is_told_with_what_to_do(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadForm) as refused:
        read(Names, values)
    assert refused.value.fields == {"first": sentence}
