"""How the groups API masks."""

from __future__ import annotations

import pytest

from atlas_hub.kit.secret import HIDDEN, Secret
from atlas_hub.kit.stars import host_of, starred, starred_url


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("1234567890", "******7890"),
        ("abcd", "****"),
        ("abcde", "*bcde"),
        ("", ""),
        ("a" * 28 + "c0de", "*" * 28 + "c0de"),
    ],
)
def test_a_secret_keeps_its_length_and_shows_four_at_most(secret: str, shown: str) -> None:
    assert starred(Secret(secret)) == shown


@pytest.mark.parametrize(
    ("url", "host", "stars"),
    [
        (
            "https://hooks.acme.example/services/abc/2101",
            "https://hooks.acme.example",
            "https://hooks.acme.example/****2101",
        ),
        (
            "https://u:p4ssw0rd@acme.example:8443/x/y?sig=abcdefgh",
            "https://acme.example:8443",
            "https://acme.example:8443/****",
        ),
        (
            "https://acme.example/hooks/12345678?sig=abcdefgh#ijklmnop",
            "https://acme.example",
            "https://acme.example/****5678",
        ),
        ("https://acme.example/hooks/1?t=12", "https://acme.example", "https://acme.example/****ks/1"),
        ("https://acme.example?token=abcdefgh", "https://acme.example", "https://acme.example/****"),
        ("https://acme.example/#abcdefgh", "https://acme.example", "https://acme.example/****"),
        ("https://acme.example/x", "https://acme.example", "https://acme.example/****"),
        ("http://[2001:db8::1]:81/hook/12345678", "http://[2001:db8::1]:81", "http://[2001:db8::1]:81/****5678"),
        ("no address", HIDDEN, "******"),
        ("https://acme.example:99999/hook", HIDDEN, "******"),
    ],
)
def test_a_secret_address_shows_its_host_and_never_who_signs_in_or_its_query(url: str, host: str, stars: str) -> None:
    assert host_of(Secret(url)) == host
    assert starred_url(Secret(url)) == stars
