"""The vault: what goes in comes out, in its own place, with its own key, and in no other way."""

from __future__ import annotations

import copy
import json
import pickle
import secrets
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_hub.kit.errors import VaultLocked
from atlas_hub.kit.secret import Secret
from atlas_hub.storage.keys import Key
from atlas_hub.storage.vault import (
    HEADER_BYTES,
    Vault,
    check_fault,
    key_id_in,
    make_check,
    passes,
)

ONE, TWO, OTHER = (Key(key_id, secrets.token_bytes(32)) for key_id in ("v1", "v2", "v1"))
PLACE = "65f0c0ffee65f0c0ffee65f0|credential|65f0c0ffee65f0c0ffee65f1|current|slack"
CANARY = "xoxb-canary-0123456789"

some_text = st.text(st.characters(), max_size=60)
some_values = st.dictionaries(some_text, some_text, max_size=5)
few = settings(max_examples=60, database=None, deadline=None)


def read(values: dict[str, Secret]) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in values.items()}


def refusal(attempt: Callable[[], object]) -> str:
    """What a refused attempt says; neither it nor anything hanging on it may show a secret or a key."""
    with pytest.raises(VaultLocked) as caught:
        attempt()
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__)
    assert CANARY not in told
    assert not [key for key in (ONE, TWO, OTHER) if key.material.hex() in told or repr(key.material) in told]
    return error.text


@given(values=some_values, place=some_text)
@few
def test_what_was_sealed_comes_out_again(values: dict[str, str], place: str) -> None:
    vault = Vault([ONE])
    assert read(vault.open(vault.seal(values, bound_to=place), bound_to=place)) == values


def test_texts_and_secrets_are_sealed_alike_and_come_out_as_secrets() -> None:
    vault = Vault([ONE])
    opened = vault.open(vault.seal({"a": CANARY, "b": Secret(CANARY)}, bound_to=PLACE), bound_to=PLACE)
    assert opened == {"a": Secret(CANARY), "b": Secret(CANARY)}
    assert CANARY not in repr(opened)


@pytest.mark.parametrize("value", [1, None, b"bytes", ["x"]])
def test_only_texts_can_be_sealed(value: object) -> None:
    vault = Vault([ONE])
    with pytest.raises(TypeError, match="Only texts"):
        vault.seal({"token": CANARY, "x": value}, bound_to=PLACE)  # type: ignore[dict-item]  # the point
    assert vault.seal({"token": CANARY}, bound_to=PLACE)


def test_an_envelope_has_the_documented_layout() -> None:
    envelope = Vault([Key("v12", ONE.material)]).seal({"token": CANARY}, bound_to=PLACE)
    assert envelope[:5] == b"\x01\x03v12"
    assert len(envelope) == 5 + (12 + 32 + 16) + (12 + len(f'{{"token":"{CANARY}"}}') + 16)
    assert CANARY.encode() not in envelope


def test_two_envelopes_of_one_secret_share_nothing_but_the_header() -> None:
    vault = Vault([ONE])
    first, second = (vault.seal({"token": CANARY}, bound_to=PLACE) for _ in range(2))
    assert first[:4] == second[:4]
    for start, end in ((4, 16), (16, 48), (64, 76), (76, None)):  # nonce, wrapped key, nonce, body
        assert first[start:end] != second[start:end]


def test_every_flipped_bit_is_refused() -> None:
    vault = Vault([TWO, ONE])
    envelope = vault.seal({"token": CANARY}, bound_to=PLACE)
    for bit in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[bit // 8] ^= 1 << bit % 8
        assert refusal(lambda changed=changed: vault.open(bytes(changed), bound_to=PLACE))
    assert read(vault.open(envelope, bound_to=PLACE)) == {"token": CANARY}


@given(values=some_values, bit=st.integers(min_value=0), place=some_text)
@few
def test_any_flipped_bit_of_any_envelope_is_refused(values: dict[str, str], bit: int, place: str) -> None:
    vault = Vault([ONE])
    changed = bytearray(vault.seal(values, bound_to=place))
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    refusal(lambda: vault.open(bytes(changed), bound_to=place))


@given(place=some_text, elsewhere=some_text)
@few
def test_an_envelope_opens_in_its_own_place_alone(place: str, elsewhere: str) -> None:
    vault = Vault([ONE])
    envelope = vault.seal({"token": CANARY}, bound_to=place)
    if place != elsewhere:
        assert "moved from another row" in refusal(lambda: vault.open(envelope, bound_to=elsewhere))
    assert read(vault.open(envelope, bound_to=place)) == {"token": CANARY}


@pytest.mark.parametrize("part", range(5))
def test_no_part_of_the_place_may_differ(part: int) -> None:
    vault = Vault([ONE])
    parts = PLACE.split("|")
    parts[part] += "0"
    envelope = vault.seal({"token": CANARY}, bound_to=PLACE)
    assert "moved from another row" in refusal(lambda: vault.open(envelope, bound_to="|".join(parts)))


def test_the_layers_of_two_envelopes_cannot_be_mixed() -> None:
    vault = Vault([ONE])
    first, second = (vault.seal({"token": CANARY}, bound_to=PLACE) for _ in range(2))
    assert "were changed" in refusal(lambda: vault.open(first[:64] + second[64:], bound_to=PLACE))


@given(number=st.integers(min_value=2, max_value=999_999))
@few
def test_another_key_is_refused_with_the_id_of_the_missing_one(number: int) -> None:
    missing = Key(f"v{number}", TWO.material)
    envelope = Vault([missing, ONE]).seal({"token": CANARY}, bound_to=PLACE)
    told = refusal(lambda: Vault([ONE]).open(envelope, bound_to=PLACE))
    assert f"encryption key v{number}, which is not configured" in told
    assert f"put v{number} back" in told
    assert read(Vault([ONE, missing]).open(envelope, bound_to=PLACE)) == {"token": CANARY}


def test_another_key_of_the_same_id_is_refused_with_that_id() -> None:
    envelope = Vault([ONE]).seal({"token": CANARY}, bound_to=PLACE)
    told = refusal(lambda: Vault([OTHER]).open(envelope, bound_to=PLACE))
    assert "put the right v1 back" in told
    assert read(Vault([ONE]).open(envelope, bound_to=PLACE)) == {"token": CANARY}


def test_an_envelope_cannot_be_given_another_key_id() -> None:
    same = Key("v2", ONE.material)
    envelope = Vault([ONE]).seal({"token": CANARY}, bound_to=PLACE)
    forged = envelope.replace(b"\x01\x02v1", b"\x01\x02v2", 1)
    assert "v2" in refusal(lambda: Vault([same]).open(forged, bound_to=PLACE))


@given(garbage=st.binary(max_size=200))
@few
def test_garbage_is_refused_and_nothing_else(garbage: bytes) -> None:
    vault = Vault([ONE])
    for attempt in (
        lambda: vault.open(garbage, bound_to=PLACE),
        lambda: vault.rewrap(garbage, bound_to=PLACE),
        lambda: vault.open(b"\x01\x02v1" + garbage, bound_to=PLACE),
    ):
        refusal(attempt)
    assert not passes(vault, garbage)


def test_every_shortening_is_refused() -> None:
    vault = Vault([ONE])
    envelope = vault.seal({"token": CANARY}, bound_to=PLACE)
    for length in range(len(envelope)):
        refusal(lambda length=length: vault.open(envelope[:length], bound_to=PLACE))
    refusal(lambda: vault.open(envelope + b"\0", bound_to=PLACE))


@pytest.mark.parametrize(
    "envelope", [b"", b"\x01", b"\x02\x02v1" + bytes(99), b"\x01\x02v0" + bytes(99), b"\x01\x02\xff\xfe" + bytes(99)]
)
def test_the_key_id_of_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    assert "not an envelope" in refusal(lambda: Vault([ONE]).key_id_of(envelope))


@pytest.mark.parametrize("plain", [b"[]", b'{"a":1}', b"\xff", f'{{"{CANARY}'.encode(), b""])
def test_an_authentic_envelope_of_something_else_is_refused_unshown(plain: bytes) -> None:
    vault = Vault([ONE])
    envelope = vault._seal(plain, PLACE)
    assert "not an envelope" in refusal(lambda: vault.open(envelope, bound_to=PLACE))


@pytest.mark.parametrize("key_id", ["v1", "v42", "v999999"])
def test_the_key_id_is_told_without_the_key(key_id: str) -> None:
    vault = Vault([Key(key_id, ONE.material)])
    envelope = vault.seal({}, bound_to=PLACE)
    assert Vault([]).key_id_of(envelope) == key_id_in(envelope[:HEADER_BYTES]) == key_id
    assert Vault([]).key_id_of(memoryview(envelope)) == key_id  # type: ignore[arg-type]  # as drivers may answer
    assert envelope.startswith(vault.active_header)
    assert not Vault([TWO]).seal({}, bound_to=PLACE).startswith(vault.active_header)


def test_rewrapping_moves_to_the_active_key_and_keeps_the_values() -> None:
    old, both, new = Vault([ONE]), Vault([TWO, ONE]), Vault([TWO])
    envelope = old.seal({"token": CANARY}, bound_to=PLACE)
    moved = both.rewrap(envelope, bound_to=PLACE)
    assert both.key_id_of(moved) == "v2"
    assert read(new.open(moved, bound_to=PLACE)) == {"token": CANARY}
    assert "v2" in refusal(lambda: old.open(moved, bound_to=PLACE))
    assert moved[4:64] != envelope[4:64]


def test_rewrapping_verifies_first() -> None:
    vault = Vault([TWO, ONE])
    envelope = Vault([ONE]).seal({"token": CANARY}, bound_to=PLACE)
    refusal(lambda: vault.rewrap(envelope, bound_to=PLACE + "0"))
    refusal(lambda: vault.rewrap(envelope[:-1] + bytes([envelope[-1] ^ 1]), bound_to=PLACE))
    assert vault.rewrap(envelope, bound_to=PLACE)


def test_an_envelope_can_be_moved_to_another_slot_by_the_vault_alone() -> None:
    vault = Vault([ONE])
    slot = PLACE.replace("current", "previous")
    moved = vault.rewrap(vault.seal({"token": CANARY}, bound_to=PLACE), bound_to=PLACE, to=slot)
    assert read(vault.open(moved, bound_to=slot)) == {"token": CANARY}
    refusal(lambda: vault.open(moved, bound_to=PLACE))


def test_without_a_key_everything_is_refused_with_the_remedy() -> None:
    vault, envelope = Vault([]), Vault([ONE]).seal({"token": CANARY}, bound_to=PLACE)
    assert vault.locked
    assert (vault.active_id, vault.key_ids) == ("", frozenset())
    for attempt in (
        lambda: vault.seal({"token": CANARY}, bound_to=PLACE),
        lambda: vault.open(envelope, bound_to=PLACE),
        lambda: vault.rewrap(envelope, bound_to=PLACE),
        lambda: vault.fingerprint(CANARY),
        lambda: vault.fingerprints(CANARY),
        lambda: vault.active_header,
        lambda: make_check(vault),
        vault.require_open,
    ):
        told = refusal(attempt)
        assert told == vault.reason
        assert "ATLAS_ENCRYPTION_KEYS" in told
        assert "`atlas-hub keys generate`" in told
    assert read(Vault([ONE]).open(envelope, bound_to=PLACE)) == {"token": CANARY}


def test_a_vault_that_was_locked_refuses_with_the_reason_it_was_given() -> None:
    vault = Vault([TWO, ONE])
    envelope = vault.seal({"token": CANARY}, bound_to=PLACE)
    assert not vault.locked
    assert vault.reason == ""
    assert [vault.knows(key_id) for key_id in ("v1", "v2", "v3")] == [True, True, False]
    vault.lock("These are the wrong keys. Put the right ones back.")
    assert not vault.knows("v1")
    assert vault.locked
    for attempt in (lambda: vault.open(envelope, bound_to=PLACE), lambda: vault.fingerprint("x")):
        assert refusal(attempt) == "These are the wrong keys. Put the right ones back."
    assert (vault.active_id, vault.key_ids) == ("v2", {"v1", "v2"})


def test_two_keys_of_one_id_make_no_vault() -> None:
    with pytest.raises(ValueError, match="one id"):
        Vault([ONE, OTHER])


def test_a_vault_shows_ids_alone() -> None:
    vault = Vault([TWO, ONE])
    assert repr(vault) == str(vault) == "Vault(v2, v1)"
    assert repr(Vault([])) == "Vault(; locked)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            leave(vault)
    with pytest.raises(TypeError):
        json.dumps(vault)


@given(token=some_text)
@few
def test_a_fingerprint_finds_the_same_token_and_names_its_key(token: str) -> None:
    vault = Vault([TWO, ONE])
    found = vault.fingerprint(token)
    key_id, _, digest = found.partition(":")
    assert key_id == "v2"
    assert len(bytes.fromhex(digest)) == 32
    assert found == vault.fingerprint(Secret(token)) == Vault([TWO]).fingerprint(token)
    assert found != vault.fingerprint(token + "x")
    assert vault.fingerprints(token) == (found, Vault([ONE]).fingerprint(token))


def test_a_fingerprint_depends_on_the_key_and_not_on_its_name_alone() -> None:
    assert Vault([ONE]).fingerprint(CANARY) != Vault([OTHER]).fingerprint(CANARY)
    assert len(Vault([Key("v999999", ONE.material)]).fingerprint(CANARY)) == 72
    assert Vault([ONE]).fingerprint("\ud800")  # a caller's broken text is only not found


def test_the_subkeys_are_what_the_documentation_says() -> None:
    vault = Vault([Key("v1", bytes(range(32)))])
    # Computed with Python's hmac alone, by RFC 5869: extract, expand, then HMAC of the token.
    assert vault.fingerprint("token") == ("v1:fa4acd606db426f1a785154b61286ddabea4dd01e72df19cdaac79028bfd7e8f")


def test_a_new_installation_takes_any_key_and_then_knows_it_again() -> None:
    vault = Vault([ONE])
    assert passes(vault, None)
    check = make_check(vault)
    assert passes(Vault([ONE]), check)
    assert passes(Vault([TWO, ONE]), check)
    assert check_fault(vault, check) is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([TWO], "no key of that name is configured. Put the right v1 back"),
        ([OTHER], "another key of that name is configured. Put the right v1 back"),
        ([TWO, OTHER], "another key of that name is configured. Put the right v1 back"),
        ([], "`atlas-hub keys generate`"),
    ],
)
def test_other_keys_do_not_pass_and_are_told_why(keys: list[Key], says: str) -> None:
    check = make_check(Vault([ONE]))
    assert not passes(Vault(keys), check)
    fault = check_fault(Vault(keys), check)
    assert fault is not None
    assert says in fault
    assert "ATLAS_ENCRYPTION_KEYS" in fault
    assert passes(Vault([ONE]), check)


def test_a_damaged_check_does_not_pass_and_a_locked_vault_never_does() -> None:
    vault = Vault([ONE])
    assert "backup" in str(check_fault(vault, b"damaged"))
    assert not passes(Vault([]), None)
    vault.lock("Locked.")
    assert check_fault(vault, None) == "Locked."
