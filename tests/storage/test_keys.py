"""Keys: what is accepted, what is refused and in which words, and a key file that is safe to race for."""

from __future__ import annotations

import base64
import copy
import multiprocessing
import pickle
import secrets
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_hub.kit.errors import BadForm
from atlas_hub.storage.keys import Key, generate_key, load_or_make_key_file, parse_keys

ONE, TWO = bytes.fromhex("8f1d" * 4) + secrets.token_bytes(24), secrets.token_bytes(32)


def b64(material: bytes) -> str:
    return base64.b64encode(material).decode()


def refusal(text: str) -> str:
    with pytest.raises(BadForm) as caught:
        parse_keys(text)
    assert caught.value.__cause__ is None
    assert set(caught.value.fields) == {"ATLAS_ENCRYPTION_KEYS"}
    return caught.value.fields["ATLAS_ENCRYPTION_KEYS"]


def test_a_generated_key_is_accepted_and_never_the_same_twice() -> None:
    first, second = generate_key(), generate_key()
    assert first != second
    assert len(base64.b64decode(first, validate=True)) == 32
    assert [key.id for key in parse_keys(f"v2:{second},v1:{first}")] == ["v2", "v1"]


def test_one_bare_key_is_v1() -> None:
    assert parse_keys(b64(ONE)) == (Key("v1", ONE),)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_blank_text_names_no_key(text: str) -> None:
    assert parse_keys(text) == ()


@pytest.mark.parametrize(
    "spell",
    [
        b64,
        lambda key: b64(key).rstrip("="),
        lambda key: base64.urlsafe_b64encode(key).decode(),
        lambda key: base64.urlsafe_b64encode(key).decode().rstrip("="),
        lambda key: f"  {b64(key)}\n",
    ],
)
@given(material=st.binary(min_size=32, max_size=32))
@settings(max_examples=30, database=None)
def test_both_alphabets_padded_or_not_are_the_same_key(spell, material) -> None:
    material = bytes(a ^ b for a, b in zip(material, TWO, strict=True))
    try:
        Key("v1", material)
        keys = parse_keys(spell(material))
    except BadForm:  # hypothesis found the placeholder: TWO itself
        assert len(set(material)) < 16
    else:
        assert keys == (Key("v1", material),)


def test_blanks_around_entries_are_ignored() -> None:
    assert parse_keys(f" v12:{b64(ONE)} ,\n v1:{b64(TWO)} ") == (Key("v12", ONE), Key("v1", TWO))


@pytest.mark.parametrize(
    "material",
    [
        bytes(32),
        b"\xff" * 32,
        b"\xaa\x55" * 16,
        b"changeme" * 4,
        b"changethis" * 3 + b"ch",
        bytes(range(32)),
        bytes(range(31, -1, -1)),
        b"0123456789abcdef0123456789abcdef",
        b"correct horse battery staple 12!",
    ],
)
def test_a_placeholder_is_refused_with_the_remedy(material: bytes) -> None:
    for text in (b64(material), f"v2:{b64(TWO)},v1:{b64(material)}"):
        sentence = refusal(text)
        assert "ATLAS_ENCRYPTION_KEYS" in sentence
        assert "placeholder" in sentence
        assert "`atlas-hub keys generate`" in sentence
        assert b64(material) not in sentence
    assert parse_keys(b64(ONE))


@pytest.mark.parametrize(
    "text", ["changeme", "changethis", "v1:changeme", "your-key-here", "v1:<example>", "v1:replace_me"]
)
def test_a_placeholder_word_is_called_one(text: str) -> None:
    sentence = refusal(text)
    assert "placeholder" in sentence
    assert "`atlas-hub keys generate`" in sentence


@pytest.mark.parametrize("length", [0, 1, 16, 24, 31, 33, 48, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    material = b64(b"\x8f" * length)  # not at random: that spells a word of a placeholder once in a while
    sentence = refusal(f"v1:{material}")
    assert "exactly 32 bytes" in sentence
    assert "`atlas-hub keys generate`" in sentence
    assert not material or material not in sentence


@pytest.mark.parametrize(
    "mangle",
    [
        lambda t: t[:-5] + "*" + t[-4:],
        lambda t: t[:20] + " " + t[20:],
        lambda t: t + "===",
        lambda t: "é" + t,
    ],
)
def test_what_is_not_base64_is_refused(mangle) -> None:
    text = mangle(b64(ONE))
    sentence = refusal(f"v1:{text}")
    assert "base64" in sentence
    assert b64(ONE)[:12] not in sentence


@pytest.mark.parametrize("key_id", ["", "1", "v", "v0", "v01", "V1", "v1234567", "v-1", "key", "v1 ", "v\uff11"])
def test_a_malformed_id_is_refused_and_not_repeated(key_id: str) -> None:
    sentence = refusal(f"{key_id}:{b64(ONE)}")
    assert "Entry 1 of ATLAS_ENCRYPTION_KEYS has a malformed key id" in sentence
    assert b64(ONE) not in sentence


def test_a_key_in_the_place_of_the_id_is_not_repeated() -> None:
    assert b64(ONE) not in refusal(f"{b64(ONE)}:v1")


def test_two_entries_with_one_id_are_refused() -> None:
    assert "names v1 twice" in refusal(f"v1:{b64(ONE)},v1:{b64(TWO)}")


def test_one_key_under_two_ids_is_refused() -> None:
    sentence = refusal(f"v2:{b64(ONE)},v1:{base64.urlsafe_b64encode(ONE).decode()}")
    assert "v1" in sentence
    assert "v2" in sentence
    assert "rotation" in sentence


@pytest.mark.parametrize(
    "text",
    [f"{b64(ONE)},{b64(TWO)}", f"v2:{b64(ONE)},{b64(TWO)}", f"v1:{b64(ONE)},", ","],
    ids=["none", "one", "empty", "comma"],
)
def test_several_entries_each_need_an_id(text: str) -> None:
    assert "has no key id" in refusal(text)


def test_a_key_shows_its_id_alone() -> None:
    key = Key("v7", ONE)
    assert repr(key) == str(key) == f"{key}" == "Key(v7)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            leave(key)
    with pytest.raises(TypeError):
        hash(key)
    assert key == Key("v7", ONE)
    assert key not in (Key("v8", ONE), Key("v7", TWO), "v7")


@pytest.mark.parametrize(
    ("key_id", "material"), [("one", ONE), ("v1", ONE[:31]), ("v1", b"")], ids=["id", "short", "empty"]
)
def test_a_key_that_is_none_cannot_be_made(key_id: str, material: bytes) -> None:
    with pytest.raises(ValueError, match="exactly 32 bytes"):
        Key(key_id, material)


def test_a_new_key_file_is_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "data" / "encryption.key"
    made = load_or_make_key_file(path, may_make=True)
    assert made is not None
    assert [key.id for key in made] == ["v1"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["encryption.key"]
    assert load_or_make_key_file(path, may_make=True) == made
    assert load_or_make_key_file(path, may_make=False) == made


def test_without_leave_no_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    assert load_or_make_key_file(path, may_make=False) is None
    assert not path.exists()


def test_a_file_may_hold_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    path.touch(0o600)
    path.write_text(f"v2:{b64(TWO)},\nv1:{b64(ONE)}\n")
    assert load_or_make_key_file(path, may_make=False) == (Key("v2", TWO), Key("v1", ONE))


def file_refusal(path: Path) -> str:
    with pytest.raises(BadForm) as caught:
        load_or_make_key_file(path, may_make=True)
    return caught.value.text


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o666])
def test_a_file_that_others_can_reach_is_refused_until_it_is_private(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "encryption.key"
    made = load_or_make_key_file(path, may_make=True)
    path.chmod(mode)
    assert f"`chmod 600 {path}`" in file_refusal(path)
    assert path.stat().st_mode & 0o777 == mode
    path.chmod(0o600)
    assert load_or_make_key_file(path, may_make=True) == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("changeme", "placeholder"),
        ("v1:abc", "32 bytes"),
        ("\xff\xfe", "base64"),
    ],
)
def test_a_file_without_a_good_key_is_refused_and_left_alone(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "encryption.key"
    path.touch(0o600)
    path.write_text(text)
    sentence = file_refusal(path)
    assert says in sentence
    assert str(path) in sentence
    assert path.read_text() == text
    path.unlink()
    assert load_or_make_key_file(path, may_make=True)


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    assert "is not a file" in file_refusal(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    sentence = file_refusal(tmp_path / "taken" / "encryption.key")
    assert "could not be read (Not a directory)" in sentence
    assert "ATLAS_ENCRYPTION_KEYS" in sentence


def test_a_place_that_takes_no_file_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "encryption.key"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "hardlink_to", refuse)
        sentence = file_refusal(path)
    assert "could not be made (Operation not permitted)" in sentence
    assert "`atlas-hub keys generate`" in sentence
    assert list(tmp_path.iterdir()) == []
    assert load_or_make_key_file(path, may_make=True)


def race(path: str, barrier: Barrier, results: multiprocessing.Queue[str]) -> None:
    barrier.wait(timeout=20)
    keys = load_or_make_key_file(Path(path), may_make=True)
    results.put(b64(keys[0].material) if keys else "")


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        path = tmp_path / str(attempt) / "encryption.key"
        barrier, results = context.Barrier(4), context.Queue()
        racers = [context.Process(target=race, args=(str(path), barrier, results)) for _ in range(4)]
        for racer in racers:
            racer.start()
        found = {results.get(timeout=20) for _ in racers}
        for racer in racers:
            racer.join(timeout=20)
            assert racer.exitcode == 0
        assert len(found) == 1
        assert [child.name for child in path.parent.iterdir()] == ["encryption.key"]
