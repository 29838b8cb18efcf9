"""Who a request speaks for."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a key may do; `admin` implies the others."""

    SUBMIT = "submit"
    READ = "read"
    DELETE = "delete"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key. Jobs belong to the tenant, quotas to the key.

    `concurrency` is the jobs under way at once, `rate` the submissions such as `600/minute`;
    None is unlimited.
    """

    key_id: str
    tenant: str
    scopes: frozenset[Scope]
    concurrency: int | None = None
    rate: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the scope is given to this key."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


LOCAL = Principal(key_id="local", tenant="local", scopes=frozenset(Scope))
"""Everybody, where no keys are asked for."""
