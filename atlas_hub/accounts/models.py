"""The stand-alone app's own tables: who may sign in, and to which workspace."""

# No `from __future__ import annotations`: SQLModel reads live annotations.
from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from atlas_hub.kit.ids import new_id
from atlas_hub.storage.models import PREFIX, HubModel, moment


class Workspace(HubModel, table=True):
    """A tenant of the stand-alone app."""

    __tablename__ = PREFIX + "workspace"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    name: str = Field(max_length=120)
    created_at: datetime = moment()


class User(HubModel, table=True):
    """Someone who may sign in."""

    __tablename__ = PREFIX + "user"
    __table_args__ = (UniqueConstraint("email"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    email: str = Field(max_length=320)  # lower case
    name: str = Field(default="", max_length=120)
    password_hash: str = Field(max_length=200)  # Argon2id
    disabled: bool = False
    disabled_by_operator: bool = False  # then no workspace enables them
    created_at: datetime = moment()


class Membership(HubModel, table=True):
    """What a user is in a workspace."""

    __tablename__ = PREFIX + "membership"
    __table_args__ = (CheckConstraint("role IN ('owner', 'admin', 'member')", name="role"),)
    workspace: str = Field(primary_key=True, max_length=24, foreign_key=PREFIX + "workspace.id", ondelete="CASCADE")
    user_id: str = Field(
        primary_key=True, max_length=24, foreign_key=PREFIX + "user.id", ondelete="CASCADE", index=True
    )
    role: str = Field(max_length=8)


class SignInSession(HubModel, table=True):
    """A signed-in browser: an opaque cookie, kept as its hash."""

    __tablename__ = PREFIX + "session"
    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(foreign_key=PREFIX + "user.id", ondelete="CASCADE", max_length=24, index=True)
    workspace: str = Field(max_length=24, index=True)  # the active one
    created_at: datetime = moment()
    seen_at: datetime = moment()
    expires_at: datetime = moment(index=True)  # the absolute limit


class SetUpLink(HubModel, table=True):
    """The one-time link by which the first owner is made; the newest alone is valid."""

    __tablename__ = PREFIX + "setup_link"
    token_hash: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = moment()


class Invite(HubModel, table=True):
    """A one-time link by which somebody joins a workspace in a role. A later one for the same address replaces it."""

    __tablename__ = PREFIX + "invite"
    __table_args__ = (
        UniqueConstraint("workspace", "email"),
        UniqueConstraint("token_hash"),
        CheckConstraint("role IN ('owner', 'admin', 'member')", name="role"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(foreign_key=PREFIX + "workspace.id", ondelete="CASCADE", max_length=24)
    email: str = Field(max_length=320)  # lower case
    role: str = Field(max_length=8)
    token_hash: str = Field(max_length=64)
    invited_by: str = Field(default="", max_length=200)
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)
