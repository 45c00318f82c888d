"""The sessions that a server holds: bounded in number and in time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from scenewright_server.engine.session import Session
from scenewright_server.families.family import Memory
from scenewright_server.service.exchange import Exchange
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.served import ServedModel
from scenewright_server.service.status import Refused


@dataclass
class Dialogue:
    """One session: the engine's part of it, what the model remembers, and what the service knows beside.

    Times are seconds since the epoch; the store moves `expires_at` with every use.
    """

    id: str
    number: int
    created_at: float
    expires_at: float
    ttl_s: float
    owner: str
    model: ServedModel
    language: str = ""
    instructions: str = ""
    handedness: int = 0  # of messages that name none
    session: Session = field(default_factory=Session)
    memory: Memory | None = None
    sight: Sight = field(default_factory=Sight)
    n_turns: int = 0
    user: asyncio.Task | None = None
    deleted: bool = False

    def begin(self, exchange: Exchange, instructions: str, handedness: int) -> None:
        """An exchange has begun: what it looks at, and how it was told to be, is the session's from now on."""
        self.sight, self.instructions, self.handedness = exchange.sight, instructions, handedness


class SessionStore:
    """At most `max_sessions` dialogues; one that is unused for its time to live is forgotten.

    `call_later` (seconds, what to call) is the event loop's, so that this happens by the clock.
    """

    def __init__(
        self,
        max_sessions: int,
        clock: Callable[[], float] = time.time,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._max_sessions = max_sessions
        self._clock = clock
        self._call_later = call_later
        self._dialogues: dict[str, Dialogue] = {}
        self._expired: OrderedDict[str, str] = OrderedDict()  # whose they were
        self._n_created = 0

    def __len__(self) -> int:
        self._forget_expired()
        return len(self._dialogues)

    def create(self, ttl_s: float, owner: str, model: ServedModel) -> Dialogue:
        """A new dialogue of this owner with this model. Raises `Refused` (TOO_MANY_SESSIONS) when there is no room."""
        self._forget_expired()
        if len(self._dialogues) >= self._max_sessions:
            raise Refused(
                "TOO_MANY_SESSIONS",
                f"{len(self._dialogues)} sessions are open, at most {self._max_sessions} may be",
                value=len(self._dialogues),
                bound=self._max_sessions,
            )
        now = self._clock()
        self._n_created += 1
        dialogue = Dialogue(secrets.token_urlsafe(16), self._n_created, now, now + ttl_s, ttl_s, owner, model)
        self._dialogues[dialogue.id] = dialogue
        self._watch(dialogue.id)
        return dialogue

    def get(self, session_id: str, owner: str, field: str = "session_id") -> Dialogue:
        """A live dialogue of this owner, its time begun anew. Raises `Refused`: SESSION_NOT_FOUND, SESSION_EXPIRED."""
        if not session_id:
            raise Refused("FIELD_REQUIRED", f"{field} is empty", field=field)
        self._forget_expired()
        dialogue = self._dialogues.get(session_id)
        if dialogue is None or dialogue.owner != owner:
            shown = session_id[:64]
            if self._expired.get(session_id) == owner:
                raise Refused("SESSION_EXPIRED", f"{field} {shown!r} has expired", field=field, value=shown)
            raise Refused("SESSION_NOT_FOUND", f"{field} {shown!r} is unknown", field=field, value=shown)
        dialogue.expires_at = self._clock() + dialogue.ttl_s
        return dialogue

    def page(self, size: int, after: int, owner: str) -> tuple[list[Dialogue], int | None]:
        """The owner's oldest `size` dialogues numbered above `after`, and the last one's number if more follow."""
        self._forget_expired()
        rest = [one for one in self._dialogues.values() if one.owner == owner and one.number > after]
        return rest[:size], rest[size - 1].number if len(rest) > size else None

    def delete(self, session_id: str, owner: str) -> None:
        """End a dialogue of this owner and the call that uses it."""
        dialogue = self.get(session_id, owner)
        del self._dialogues[session_id]
        dialogue.deleted = True
        if dialogue.user is not None:
            dialogue.user.cancel(_deleted(session_id))

    def discard(self, session_id: str) -> None:
        """Forget a dialogue that nobody uses, if it is still there."""
        self._dialogues.pop(session_id, None)

    @contextmanager
    def use(self, session_id: str, owner: str) -> Iterator[Dialogue]:
        """The owner's dialogue for the calling task alone; it does not expire meanwhile.

        Raises `Refused`: SESSION_BUSY if another call has it, SESSION_NOT_FOUND if it is deleted meanwhile.
        """
        dialogue = self.get(session_id, owner)
        if dialogue.user is not None:
            raise Refused(
                "SESSION_BUSY",
                f"session_id {session_id!r} is in use by another call, one at a time may use it",
                field="session_id",
            )
        dialogue.user = asyncio.current_task()
        try:
            yield dialogue
        except asyncio.CancelledError:
            if dialogue.deleted:
                raise _deleted(session_id) from None
            raise
        finally:
            dialogue.user = None
            dialogue.expires_at = self._clock() + dialogue.ttl_s

    def _watch(self, session_id: str) -> None:
        """Come back when the dialogue will have expired, if it is not used before."""
        self._forget_expired()
        dialogue = self._dialogues.get(session_id)
        if dialogue is not None:
            call_later = self._call_later or asyncio.get_running_loop().call_later
            wait_s = dialogue.ttl_s if dialogue.user is not None else dialogue.expires_at - self._clock()
            call_later(wait_s, lambda: self._watch(session_id))

    def _forget_expired(self) -> None:
        now = self._clock()
        for dialogue in [d for d in self._dialogues.values() if d.user is None and d.expires_at <= now]:
            del self._dialogues[dialogue.id]
            self._expired[dialogue.id] = dialogue.owner
            if len(self._expired) > self._max_sessions:
                self._expired.popitem(last=False)


def _deleted(session_id: str) -> Refused:
    return Refused("SESSION_NOT_FOUND", f"session_id {session_id!r} was deleted", field="session_id")
