"""What a service account's key file says, hostile until each part is known.

Nothing in it is followed: of its addresses none is read, and who is asked is fixed in `gchat`
(https://cloud.google.com/iam/docs/keys-create-delete).
"""

from __future__ import annotations

import json
import re
import textwrap
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.kit.errors import InvalidCredentials
from atlas_hub.kit.secret import Secret

FIELD = "credentials_json"
NEEDED = (
    "Google Chat needs the JSON key of a service account: make one in Google Cloud under IAM & Admin, "
    "Service Accounts, Keys."
)
LOOKALIKES = {
    "AIza": f"This looks like an API key. {NEEDED}",
    "ya29.": f"This looks like an access token, which ends within the hour. {NEEDED}",
    "GOCSPX-": f"This looks like the secret of an OAuth client. {NEEDED}",
    "-----BEGIN": "This looks like the private key alone. Paste the whole key file, from { to }.",
    "https://": f"This is an address. {NEEDED}",
}
"""What a paste that is no key file may be, by how it begins."""

_LONGEST = 16_384
_AGAIN = "Paste the whole key file, from { to }, as Google Cloud gave it."
_TYPES = {
    "authorized_user": "This is the sign-in of a person (authorized_user)",
    "external_account": "This is a set-up for workload identity federation (external_account)",
    "external_account_authorized_user": "This is a person's sign-in through another company's directory",
    "impersonated_service_account": "This is a set-up for acting as a service account (impersonated_service_account)",
}
_ADDRESS = re.compile(r"[\x21-\x3f\x41-\x7e]{1,64}@[\x21-\x3f\x41-\x7e]{1,128}")
_EMAIL = re.compile(
    r"[\w.+-]{1,64}@(?P<project>[a-z0-9][a-z0-9-]{0,62})(?:\.(?P<domain>[a-z0-9][a-z0-9.-]{0,80}))?"
    r"\.iam\.gserviceaccount\.com",
    re.ASCII,
)
_PROJECT = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_PEM = re.compile(r"-----BEGIN (RSA |)PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END \1PRIVATE KEY-----")
_PEM_LONGEST = 4_096
"""A little more than a key of 4096 bits takes. What is longer would keep the server busy before it is refused."""
_RSA = re.compile(
    rb"\x30\x82..\x02\x01\x00(?:\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82..\x30\x82..\x02\x01\x00)?"
    rb"\x02(?:\x81(?P<short>.)|\x82(?P<long>..))",
    re.DOTALL,
)
"""How an RSA key begins, in PKCS #8 or bare (RFC 8017, appendix A.1.2), up to its modulus' length."""
_MODULUS = 257
"""Bytes of a modulus of 2048 bits, with the zero before it (RFC 7518 §3.3 asks for no less)."""
_KEY_ID = re.compile(r"[0-9a-f]{8,64}")
_NOT_JSON: Final = object()


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """Who signs: the address, the project that it belongs to and what the file calls it, and the key."""

    email: str
    project: str
    named: str
    private_key: Secret
    key_id: str | None = None


def read_key_file(file: Secret) -> ServiceAccount:
    """The service account of a key file. Raises `InvalidCredentials` that names the part at fault."""
    said = _object(file.reveal())
    _refuse_other_kinds(said)
    email = said.get("client_email")
    if not isinstance(email, str) or not email:
        raise _wrong(f"The JSON has no client_email. {_AGAIN}")
    private_key = _private_key(said.get("private_key"))
    if said.get("type") not in (None, "service_account"):
        raise _wrong(f'The JSON does not say "type": "service_account". {NEEDED}')
    key_id = said.get("private_key_id")
    known = isinstance(key_id, str) and _KEY_ID.fullmatch(key_id)
    project, named = _projects(email, said.get("project_id"))
    return ServiceAccount(
        email=email, project=project, named=named, private_key=private_key, key_id=key_id if known else None
    )


def damaged() -> InvalidCredentials:
    """For a key that has the right shape and still cannot sign."""
    return _wrong(f"private_key in the JSON is damaged. {_AGAIN}")


def _wrong(text: str) -> InvalidCredentials:
    return InvalidCredentials(text, field=FIELD)


class _Repeated(dict[str, Any]):
    """An object that has a name twice, so that two readers could see two files."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


def _parsed(text: str) -> Any:
    """The JSON of a text, `_NOT_JSON` where it is none: the parser's own error knows the whole text and is let go."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _object(text: str) -> Mapping[str, Any]:
    text = text.strip("\ufeff\u200b'` \t\r\n")
    for start, sentence in LOOKALIKES.items():
        if text.startswith(start):
            raise _wrong(sentence)
    if len(text) > _LONGEST:
        raise _wrong(f"The text is longer than any key file. {_AGAIN}")
    said = _parsed(text)
    if isinstance(said, str):  # copied out of another JSON or a settings file, where it stood as one text
        said = _parsed(said)
    if said is _NOT_JSON:
        raise _wrong(f"The text is not JSON. {_AGAIN}")
    if not isinstance(said, dict):
        raise _wrong(f"The JSON is not a key file: it should be one object. {_AGAIN}")
    if isinstance(said, _Repeated):
        raise _wrong(f"The JSON has a name twice. {_AGAIN}")
    return said


def _refuse_other_kinds(said: Mapping[str, Any]) -> None:
    """Say what another of Google's JSON files is, and what is needed."""
    kind = said.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        raise _wrong(f"{_TYPES[kind]}. {NEEDED}")
    if any(isinstance(said.get(name), dict) for name in ("web", "installed")):
        raise _wrong(f"This is the file of an OAuth client. {NEEDED}")


def _private_key(said: Any) -> Secret:
    """The key in PEM as it should be: escaped, missing and foreign line ends are mended."""
    if not isinstance(said, str) or not said.strip():
        raise _wrong(f"The JSON has no private_key. {_AGAIN}")
    text = said.replace("\\r", "").replace("\\n", "\n").strip()
    if not text.startswith("-----BEGIN"):
        raise _wrong(f"private_key in the JSON is not a key: it should begin with -----BEGIN. {_AGAIN}")
    if "ENCRYPTED" in text[:100]:
        raise _wrong(f"private_key in the JSON is protected by a passphrase. {NEEDED}")
    if text.startswith("-----BEGIN EC "):
        raise _wrong(f"private_key in the JSON is not an RSA key. {NEEDED}")
    if len(text) > _PEM_LONGEST:
        raise _wrong(f"private_key in the JSON is longer than a key of 4096 bits. {NEEDED}")
    found = _PEM.fullmatch(text)
    der = _bytes(found[2]) if found else None
    if found is None or der is None:
        raise damaged()
    begins = _RSA.match(der)
    if begins is None:
        raise _wrong(f"private_key in the JSON is not an RSA key. {NEEDED}")
    if int.from_bytes(begins["short"] or begins["long"], "big") < _MODULUS:
        raise _wrong(f"private_key in the JSON is shorter than 2048 bits, which is not safe. {NEEDED}")
    body = "\n".join(textwrap.wrap("".join(found[2].split()), 64))
    return Secret(f"-----BEGIN {found[1]}PRIVATE KEY-----\n{body}\n-----END {found[1]}PRIVATE KEY-----\n")


def _bytes(text: str) -> bytes | None:
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def _projects(email: str, told: Any) -> tuple[str, str]:
    """What Google vouches for, which is the address: its project, or the address where none is in it; and the name.

    `project_id` stands beside the address in the file and only names the project for people: two workspaces can each
    write there what they like. (https://cloud.google.com/iam/docs/service-account-types: an address of Google's own
    making, such as the default one of Compute Engine, has no project in it; a project of a domain is
    `example.com:name`.) An address that is not Google's is its own key: whether it is known there, Google tells.
    """
    if _ADDRESS.fullmatch(email) is None:
        raise _wrong(f"client_email in the JSON is not an address. {_AGAIN}")
    found = _EMAIL.fullmatch(email.lower())
    project = email.lower()
    if found is not None:
        project = f"{found['domain']}:{found['project']}" if found["domain"] else found["project"]
    named = told if isinstance(told, str) and _PROJECT.fullmatch(told) else project
    return project, named
