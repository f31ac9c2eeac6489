"""Who is who at Copperleaf: passwords and signed-in browsers, in Copperleaf's own tables."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import scrypt, sha256

from sqlmodel import select

from host_dashboard import tables
from host_dashboard.tables import Login, Person, Tenant

COOKIE = "copperleaf"


@dataclass(frozen=True)
class Seat:
    """Someone who is signed in."""

    id: int
    email: str
    role: str
    tenant: str
    company: str


def hashed(password: str, salt: str = "") -> str:
    """Salt and scrypt hash of a password."""
    salt = salt or secrets.token_hex(16)
    return f"{salt}:{scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()}"


_NOBODY = hashed("")
"""Compared where the address is unknown, so that the time taken does not tell."""


def sign_in(email: str, password: str) -> str | None:
    """A new cookie's value, or None where address and password do not belong together."""
    with tables.session() as session:
        person = session.exec(select(Person).where(Person.email == email.strip().lower())).one_or_none()
        stored = person.password if person else _NOBODY
        if not hmac.compare_digest(hashed(password, stored.split(":")[0]), stored) or person is None:
            return None
        token = secrets.token_urlsafe(32)
        session.add(Login(token_hash=_hash(token), person=person.id, since=datetime.now(UTC)))
        session.commit()
        return token


def sign_out(token: str) -> None:
    """Forget a browser."""
    with tables.session() as session:
        login = session.get(Login, _hash(token))
        if login is not None:
            session.delete(login)
            session.commit()


def who(token: str | None) -> Seat | None:
    """Whose cookie this is, looked up each time: signing out and a new role count at once."""
    if not token:
        return None
    with tables.session() as session:
        asked = select(Person, Tenant).join(Tenant).join(Login).where(Login.token_hash == _hash(token))
        found = session.exec(asked).one_or_none()
        if found is None:
            return None
        person, tenant = found
        return Seat(person.id or 0, person.email, person.role, tenant.id, tenant.name)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
