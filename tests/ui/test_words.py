"""Errors become sentences at their place."""

from __future__ import annotations

import pytest

from atlas_hub.kit.errors import AnotherAccount, BadForm, Conflict, HubError, InvalidCredentials, NetworkError
from atlas_hub.ui import words


@pytest.mark.parametrize(
    ("error", "places"),
    [
        (BadForm({"host": "Enter a host."}), {"smtp.host": "Enter a host."}),
        (BadForm({"": "Not so."}), {"smtp.": "Not so."}),
        (InvalidCredentials("Refused.", field="password"), {"smtp.password": "Refused."}),
        (NetworkError("No answer."), {"smtp.": "No answer."}),
        (Conflict("Elsewhere."), {"smtp.": "Elsewhere."}),
        (AnotherAccount("Slack", present="Acme", proven="Beta"), {}),
    ],
)
def test_an_error_stands_where_it_is_mended(error: HubError, places: dict[str, str]):
    assert words.of_error(error, "smtp") == places


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "No default. 1 other Slack connection is stored."),
        (2, "No default. 2 other Slack connections are stored."),
    ],
)
def test_no_default_counts_in_words(count: int, sentence: str):
    assert words.no_default("Slack", count) == sentence


def test_no_sentence_of_the_page_shouts():
    said = [word for word, _ in (*words.BADGES.values(), *words.MODES.values())]
    said += [words.unexpected("ab"), words.unreadable("ab")]
    assert [sentence for sentence in said if "!" in sentence or "Oops" in sentence] == []
