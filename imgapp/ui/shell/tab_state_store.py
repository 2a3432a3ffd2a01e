"""The tab state store: keeps Reflex states in the process of the websocket, a copy in Redis.

All events of a tab come over its websocket, so one process at a time works with its state: it stays
in the memory of that process, under a lock of that process, and is not read from Redis and written
back around each event. A copy follows within a second of a change, for the process to which the
tab connects next: after a lost connection, on another machine, in a new version. What is lost with
a process that is killed is what a page says, not what was done: pages read that again when they
connect.

A page that is opened holds what it was built with, and says so with hashes (`hydrate_and_load`).
Where they are right, parts of the state that nothing was ever written to are not made before an
event asks for them: made, compared and left out of the answer, they were most of the cost of a tab.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
from collections.abc import AsyncIterator, Callable, Collection, KeysView
from functools import cache
from typing import Any, cast
from weakref import WeakValueDictionary

import reflex as rx
from reflex.istate.manager.redis import StateManagerRedis
from reflex.istate.manager.token import StateToken
from reflex.state import BaseState, state_snapshot_hashes
from reflex.utils.token_manager import LocalTokenManager
from reflex_base.event import Event
from reflex_base.utils.exceptions import StateSchemaMismatchError

log = logging.getLogger(__name__)

SAVED_AFTER = 1.0
"""Seconds from a change to its copy in Redis."""
_FIRST_EVENT = f"{rx.State.get_full_name()}.hydrate_and_load"


def keep_states(app: rx.App) -> None:
    """Keep the states of an app's tabs as this module says; while it is built, there are none."""
    manager = app.state_manager
    if isinstance(manager, StateManagerRedis) and app.event_namespace is not None:
        # mypy takes it for abstract or not, by whether it remembers Reflex's overloads.
        make: Callable[..., TabStateStore] = cast("Any", TabStateStore)
        states = make(redis=manager.redis, token_expiration=manager.token_expiration)
        app._state_manager = states
        app.event_namespace._token_manager = TabTokens(states)


class TabStateStore(StateManagerRedis):
    """The states of the tabs that are connected to this process, by token.

    Reflex asks with tokens of tabs only; its own managers take others, too.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._trees: dict[str, BaseState] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._needed: dict[tuple[type[BaseState], bool], list[type[BaseState]]] = {}
        self._unsaved: set[str] = set()
        self._saver: asyncio.Task[None] | None = None

    def _ensure_lock_task(self) -> None:
        """Locks are of this process: there is nothing to hear about them."""

    @contextlib.asynccontextmanager
    async def modify_state(  # type: ignore[override]
        self, token: StateToken[Any] | str, **context: Any
    ) -> AsyncIterator[BaseState]:
        """The state of a tab with the part that `token` names, for one caller at a time."""
        token = self._coerce_token(token)
        event: Event | None = context.get("event")
        async with self._lock_of(token.ident):
            tree = self._trees.get(token.ident)
            if tree is None:
                tree = self._trees[token.ident] = await self._load(token.ident)
            whole = token.cls is rx.State or not tree.router_data
            self._grow(tree, token.cls, whole=whole and not _holds_what_was_built(event))
            try:
                yield tree
            finally:
                self._save_soon(token.ident)

    async def get_state(  # type: ignore[override]
        self,
        token: StateToken[Any] | str,
        top_level: bool = True,
        for_state_instance: BaseState | None = None,
    ) -> BaseState:
        """The state of a tab; of `for_state_instance`, the part that `token` names."""
        token = self._coerce_token(token)
        if for_state_instance is not None:
            tree = for_state_instance._get_root_state()
        else:
            tree = self._trees.get(token.ident) or await self._load(token.ident)
        self._grow(tree, token.cls, whole=for_state_instance is None)
        return tree if top_level else tree.get_substate(token.cls._get_substate_path())

    async def set_state(  # type: ignore[override]
        self,
        token: StateToken[Any] | str,
        state: BaseState,
        **context: Any,  # noqa: ARG002
    ) -> None:
        """Put a state in the place of what a tab has."""
        token = self._coerce_token(token)
        self._trees[token.ident] = state._get_root_state()
        self._save_soon(token.ident)

    def here(self) -> KeysView[str]:
        """The tabs whose state is in the memory of this process."""
        return self._trees.keys()

    async def let_go(self, ident: str) -> None:
        """A tab is not connected to this process any more: the copy is for whoever is next."""
        async with self._lock_of(ident):
            if ident in self._unsaved:
                await self._save([ident])
            if ident in self._unsaved:
                # Redis is away. It is let go the next time that somebody looks for late ones.
                self._save_soon(ident)
                return
            if (tree := self._trees.pop(ident, None)) is not None:
                # Parts and whole know each other: reference counting alone would not end them.
                tree.substates.clear()

    async def close(self) -> None:
        """Write what is not written, and end the connections."""
        if self._saver is not None:
            self._saver.cancel()
        await self._save(list(self._unsaved))
        await super().close()  # type: ignore[no-untyped-call]  # Reflex has no types here.

    def _lock_of(self, ident: str) -> asyncio.Lock:
        lock = self._locks.get(ident)
        if lock is None:
            lock = self._locks[ident] = asyncio.Lock()
        return lock

    async def _load(self, ident: str) -> BaseState:
        tree: BaseState = _new(rx.State)
        try:
            copy = await self.redis.get(_key(ident))
        except Exception:
            log.warning("state_not_read", exc_info=True)
            copy = None
        for data in pickle.loads(copy) if copy else ():  # noqa: S301
            # What another version wrote may not fit this one.
            with contextlib.suppress(StateSchemaMismatchError):
                part = BaseState._deserialize(data)
                # Only what was ever written to is copied.
                part._was_touched = True
                tree = _put(tree, part)
        return tree

    def _grow(self, tree: BaseState, cls: type[BaseState], *, whole: bool) -> None:
        """Make what is not there yet of a state: a part and what depends on it, or all of it."""
        needed = (rx.State, True) if whole else (cls, False)
        if needed not in self._needed:
            found = self._get_required_state_classes(needed[0], subclasses=needed[1])
            self._needed[needed] = sorted(found, key=lambda part: part.get_full_name())
        for part in self._needed[needed]:
            if part is not rx.State and part.get_name() not in tree.substates:
                _put(tree, _new(part))

    def _save_soon(self, ident: str) -> None:
        self._unsaved.add(ident)
        if self._saver is None or self._saver.done():
            self._saver = asyncio.create_task(self._save_in_a_moment())

    async def _save_in_a_moment(self) -> None:
        while self._unsaved:
            await asyncio.sleep(SAVED_AFTER)
            await self._save(list(self._unsaved))

    async def _save(self, idents: Collection[str]) -> None:
        """Write copies. What Redis does not take is offered again in a moment."""
        self._unsaved.difference_update(idents)
        pipeline = self.redis.pipeline(transaction=False)
        for ident in idents:
            if (tree := self._trees.get(ident)) is None:
                continue
            try:
                pipeline.set(_key(ident), _copy_of(tree), ex=self.token_expiration)
            except Exception:
                # Of this tab there is no copy; the others have theirs.
                log.exception("state_not_copied")
        try:
            await pipeline.execute()
        except Exception:
            self._unsaved.update(idents)
            log.warning("states_not_saved", exc_info=True)


class TabTokens(LocalTokenManager):
    """Which tabs are connected to this process; the state of one that goes is let go."""

    def __init__(self, states: TabStateStore) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Reflex has no types here.
        self._states = states

    async def disconnect_token(self, token: str, sid: str) -> None:
        """A websocket ended."""
        await super().disconnect_token(token, sid)
        await self._states.let_go(token)


def _key(ident: str) -> str:
    return f"imgapp:tab:{ident}"


def _copy_of(tree: BaseState) -> bytes:
    touched = [part for part in (tree, *tree.substates.values()) if part._was_touched]
    return pickle.dumps([part._serialize() for part in touched])


def _new(cls: type[BaseState], *, whole: bool = False) -> BaseState:
    return cls(init_substates=whole, _reflex_internal_init=True)


def _put(tree: BaseState, part: BaseState) -> BaseState:
    """The tree with a part in its place. All parts are right below the whole."""
    if type(part) is not rx.State:
        tree.substates[part.get_name()] = part
        part.parent_state = tree
        return tree
    part.substates = tree.substates
    for below in part.substates.values():
        below.parent_state = part
    return part


@cache
def _built_with() -> list[str]:
    return state_snapshot_hashes(_new(rx.State, whole=True).dict(initial=True))


def _holds_what_was_built(event: Event | None) -> bool:
    """Whether a page begins, and has all defaults of this version."""
    if event is None or event.name != _FIRST_EVENT:
        return False
    return event.payload.get("hashes") == _built_with()
