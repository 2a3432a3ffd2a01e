"""Types for what Reflex makes at run time: handlers, the events of components, Vars.

In a handler an attribute of a state is a value; in a component the same attribute is a Var, from
which Reflex writes JavaScript. Both are annotated with the value's type. Comparisons, `&`, `|` and
f-strings read the same on both; what only a Var can do stands here, as functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    TypeVarTuple,
    cast,
    overload,
)

import reflex as rx
from reflex.event import EventSpec
from reflex.vars.base import Var

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
Values = TypeVarTuple("Values")


class Unbound(Protocol[P]):
    """A handler as a component names it: with its arguments, or left to what the browser says."""

    def __call__(self, *values: P.args, **named: P.kwargs) -> EventSpec: ...

    def debounce(self, milliseconds: int) -> Unbound[P]: ...


class Handler(Protocol[P, R_co]):
    """A handler in its class: called by other handlers, named by components."""

    @overload
    def __get__(self, state: None, cls: Any) -> Unbound[P]: ...

    @overload
    def __get__(self, state: object, cls: Any) -> Callable[P, R_co]: ...


Action = Unbound[[]] | EventSpec
"""What a button does."""


def handler(method: Callable[Concatenate[Any, P], R_co]) -> Handler[P, R_co]:
    """`rx.event`: the browser may call this method."""
    return cast("Handler[P, R_co]", rx.event(cast("Any", method)))


if TYPE_CHECKING:

    class Fires(rx.EventHandler, Generic[*Values]):
        """An event of a component, with the types of what comes with it."""

else:

    class Fires:
        """An event of a component, with the types of what comes with it."""

        def __class_getitem__(cls, values: Any) -> Any:
            types = values if isinstance(values, tuple) else (values,)
            return rx.EventHandler[rx.event.passthrough_event_spec(*types)]


def as_var(value: T) -> Var[T]:
    """The Var that stands for a value."""
    return cast("Var[T]", value)


def as_value(var: Var[T]) -> T:
    """The value that a Var stands for."""
    return cast("T", var)


def either(condition: bool, yes: T, no: T) -> T:
    """One of two values."""
    return cast("T", rx.cond(condition, yes, cast("Any", no)))


def negated(condition: bool) -> bool:
    """Whether it is not so."""
    return cast("bool", ~cast("Any", condition))


def length(items: Sequence[Any] | Mapping[Any, Any]) -> int:
    """How many there are."""
    return cast("int", cast("Any", items).length())


def contains(items: Sequence[T], item: T) -> bool:
    """Whether it is among them."""
    return cast("bool", cast("Any", items).contains(item))


def as_text(value: object) -> str:
    """A number as text."""
    return cast("str", cast("Any", value).to_string())
