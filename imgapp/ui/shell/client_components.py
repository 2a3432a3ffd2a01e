"""Client components: wrap our ES modules of `assets/` as Reflex components and functions."""

from __future__ import annotations

from typing import Any, cast

import reflex as rx
from reflex.vars import VarData
from reflex.vars.base import Var

from imgapp.ui.shell.reflex_types import Fires, as_var

TUS = "tus-js-client@4.3.1"
VIRTUAL = "@tanstack/react-virtual@3.14.26"
FONT = "@fontsource-variable/inter@5.3.0"


def local_time(iso: str) -> str:
    """An ISO 8601 time as people write it where the browser is."""
    imports = {"$/public/shell/times.js": rx.ImportVar(tag="localTime")}
    data = VarData.merge(as_var(iso)._get_all_var_data(), VarData(imports=imports))
    said = Var(_js_expr=f"localTime({iso!s})", _var_type=str, _var_data=data).guess_type()
    return cast("str", said)


def fetched(drawn: rx.Component) -> Var[Any]:
    """A component of ours as a function that fetches its code, for one in JavaScript that draws it
    when it is wanted."""
    return Var(f"(() => import('{drawn.library}').then((module) => module.{drawn.tag}))")


class Moment(rx.Component):
    """An ISO 8601 time as it is said, "5 minutes ago", kept true; or in full."""

    library = "$/public/shell/moment.jsx"
    tag = "Moment"
    iso: rx.Var[str]
    ago: rx.Var[bool]


class PlainForm(rx.el.Div):
    """A form that the browser sends by itself, also before the page is live."""

    tag = "form"
    action: rx.Var[str]
    method: rx.Var[str]


class PlainLink(rx.el.Div):
    """A link that loads its page anew, past the gate that checks sessions."""

    tag = "a"
    href: rx.Var[str]
    download: rx.Var[str]


class Uploader(rx.Component):
    """Takes pictures from drop, click, paste and folders, and shows how each one fares."""

    library = "$/public/uploads/uploader.jsx"
    tag = "Uploader"
    lib_dependencies: list[str] = [TUS, VIRTUAL, FONT]
    live: rx.Var[bool]
    person: rx.Var[str]
    max_mb: rx.Var[int]
    direct: rx.Var[bool]


class OnceForm(rx.Component):
    """A form sent as JSON to the API; shows the secret in the answer once, in this tab alone."""

    library = "$/public/shell/once-form.jsx"
    tag = "OnceForm"
    action: rx.Var[str]
    secret: rx.Var[str]
    note: rx.Var[str]
    on_done: Fires[()]


class ModelForm(rx.Component):
    """Connects a vision model: its key goes to the API, and through no state."""

    library = "$/public/shell/model-form.jsx"
    tag = "ModelForm"
    kinds: rx.Var[list[dict[str, Any]]]
    on_done: Fires[()]


class ModelTrial(rx.Component):
    """Asks a connected model about a picture, and shows what it says."""

    library = "$/public/shell/model-form.jsx"
    tag = "ModelTrial"
    name: rx.Var[str]


class RefreshTimer(rx.Component):
    """Fires every so many minutes while the page is looked at."""

    library = "$/public/gallery/refresh-timers.jsx"
    tag = "RefreshTimer"
    minutes: rx.Var[int]
    on_stale: Fires[()]


class PollTimer(rx.Component):
    """Fires every few seconds while the page is looked at."""

    library = "$/public/gallery/refresh-timers.jsx"
    tag = "PollTimer"
    seconds: rx.Var[int]
    on_look: Fires[()]


class AddressToken(rx.Component):
    """A hidden form field with the `token` of the page's address."""

    library = "$/public/shell/address-field.jsx"
    tag = "AddressToken"


class AddressNext(rx.Component):
    """A hidden form field with the page to go on to, out of the page's address."""

    library = "$/public/shell/address-field.jsx"
    tag = "AddressNext"


class ShortcutSheet(rx.Component):
    """The list of keyboard shortcuts; opened by `?` and by whatever has `data_shortcuts`."""

    library = "$/public/shell/shortcut-sheet.jsx"
    tag = "ShortcutSheet"


class Appearance(rx.Component):
    """A choice between light, dark, and what the system has."""

    library = "$/public/shell/appearance.jsx"
    tag = "Appearance"
