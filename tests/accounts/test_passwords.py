from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from atlas_hub.accounts import passwords


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short", "too short"),
        ("elevenchars", "too short"),
        ("x1" * 600, "too long"),
        ("ana@example.com", "e-mail"),
        ("ANA@Example.com", "e-mail"),
        ("password1234", "first"),
        ("Password-2024", "first"),
        ("passwordpassword", "first"),
        ("123456789012", "first"),
        ("aaaaaaaaaaaaaa", "first"),
        ("qwertyqwerty12", "first"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(password, word):
    assert word in (passwords.fault(password, "ana@example.com") or "")


@pytest.mark.parametrize(
    "password", ["four unrelated words", "k9#mQ2!vLp$x", "пароль из четырёх слов", "!@#$%^&*()_+", "x" * 11 + "yz"]
)
def test_a_good_password_is_taken(password):
    assert passwords.fault(password, "ana@example.com") is None


async def test_only_the_right_password_is_proven():
    stored = await passwords.hashed("four unrelated words")

    assert stored.startswith("$argon2id$")
    assert len(stored) <= 200
    assert await passwords.verified(stored, "four unrelated words")
    assert not await passwords.verified(stored, "four unrelated word")
    assert not await passwords.verified(stored, "")
    assert not await passwords.verified(stored, "x" * 5000)


async def test_the_same_characters_typed_another_way_are_the_same_password():
    stored = await passwords.hashed("caf\u00e9 au lait, chaud")
    assert await passwords.verified(stored, "cafe\u0301 au lait, chaud")


async def test_nobodys_password_is_never_right_and_costs_the_same_work(monkeypatch):
    done = []

    class Counting(PasswordHasher):
        def verify(self, stored, password):
            done.append(password)
            return super().verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    assert not await passwords.verified(None, "four unrelated words")
    assert done == ["four unrelated words"]


async def test_a_damaged_hash_proves_nothing():
    assert not await passwords.verified("no hash at all", "four unrelated words")


async def test_a_hash_of_other_parameters_is_outdated(monkeypatch):
    stored = await passwords.hashed("four unrelated words")
    assert not passwords.outdated(stored)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert passwords.outdated(stored)


def test_the_real_parameters_are_those_of_rfc_9106(monkeypatch):
    monkeypatch.undo()
    hasher = passwords._hasher
    assert (hasher.time_cost, hasher.memory_cost, hasher.parallelism) == (3, 65536, 4)
