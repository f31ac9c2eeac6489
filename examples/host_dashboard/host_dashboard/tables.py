"""Copperleaf's own tables, in the metadata that every SQLModel application has. None of them is the hub's."""

from datetime import date, datetime
from functools import cache

import reflex as rx
from sqlalchemy import Engine, create_engine
from sqlmodel import Field, Session, SQLModel


class Tenant(SQLModel, table=True):
    """A customer of Copperleaf's, by an id of Copperleaf's own making."""

    __tablename__ = "tenant"

    id: str = Field(primary_key=True, max_length=40)
    name: str = Field(max_length=120)


class Person(SQLModel, table=True):
    """Someone who may sign in. `role` is `viewer` or `manager`; `password` is salt and hash."""

    __tablename__ = "person"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=254)
    password: str = Field(max_length=200)
    role: str = Field(max_length=20)
    tenant: str = Field(foreign_key="tenant.id", max_length=40)


class Login(SQLModel, table=True):
    """A browser that is signed in, by the hash of its cookie."""

    __tablename__ = "login"

    token_hash: str = Field(primary_key=True, max_length=64)
    person: int = Field(foreign_key="person.id")
    since: datetime


class Order(SQLModel, table=True):
    """What a tenant ordered."""

    __tablename__ = "customer_order"

    id: int | None = Field(default=None, primary_key=True)
    tenant: str = Field(foreign_key="tenant.id", max_length=40, index=True)
    item: str = Field(max_length=120)
    quantity: int
    placed: date


@cache
def _engine() -> Engine:
    return create_engine(rx.config.get_config().db_url or "")


def session() -> Session:
    """A session on Copperleaf's database. The first one opens it, in the process that serves."""
    return Session(_engine())
