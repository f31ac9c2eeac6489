"""Who is asking, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from atlas_hub.kit.errors import Forbidden


class Role(StrEnum):
    """owner > admin > member; `read_only` is for keys alone."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    READ_ONLY = "read_only"


ADMINS_ALONE = "Only owners and admins of this workspace may do that. Ask one of them, or ask for the role."
ADMINS = frozenset({Role.OWNER, Role.ADMIN})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Someone who asks: a signed-in user, a key, the command line. Their workspace and role decide, nothing else.

    `name` is who the audit log says it was, unique in the host (an e-mail address); `called` what people call them.
    """

    id: str
    name: str
    display: str = ""
    workspace: str
    workspace_name: str = ""
    role: Role

    @property
    def called(self) -> str:
        """The name that people read."""
        return self.display or self.name

    @property
    def may_change(self) -> bool:
        """Whether they may connect, check, send and disconnect."""
        return self.role in ADMINS


def require_admin(actor: Actor) -> None:
    """Raises `Forbidden` for anyone but an owner or admin."""
    if not actor.may_change:
        raise Forbidden(ADMINS_ALONE)
