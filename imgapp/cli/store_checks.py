"""Store checks: tell `imgapp doctor` and a start whether pictures can be kept."""

from __future__ import annotations

import json

import typer

from imgapp.adapters import storage
from imgapp.cli.doctor_checks import Doubt
from imgapp.errors import StoreMisconfigured, StoreUnavailable
from imgapp.services.operations import store_migration
from imgapp.services.uploads import s3_cors
from imgapp.settings import Settings, get_settings


def check_store(settings: Settings) -> str:
    """Whether pictures can be stored, read and deleted, and nobody else can read them."""
    store = storage.get_store()
    store.check()
    if faults := store.faults():
        raise StoreUnavailable("; ".join(faults) + ". See docs/s3.md.")
    if settings.s3_bucket is None:
        return f"pictures are kept in {settings.pictures_dir}"
    return f"bucket {settings.s3_bucket}, closed to unsigned requests"


def check_pictures(_: Settings) -> str:
    """Whether all pictures are in the store for new ones, and removed ones are gone."""
    here = storage.get_store().bucket
    contents = {one.s3_bucket: one for one in store_migration.overview()}
    elsewhere = [one for one in contents.values() if one.s3_bucket != here]
    for one in elsewhere:
        if one.images:
            storage.get_store(one.s3_bucket).check()
    if stuck := sum(one.stuck for one in contents.values()):
        return Doubt(f"{stuck:,} removed pictures still have files; see the worker's log")
    if left := sum(one.images for one in elsewhere):
        kind = "disk" if here == storage.LOCAL else "s3"
        return Doubt(f"{left:,} are in other stores: run `imgapp storage move --to {kind}`")
    return f"{contents[here].images if here in contents else 0:,}, all in one store"


def check_direct_uploads(settings: Settings) -> str:
    """Whether pages may send files straight to the bucket; without it they still upload."""
    if settings.s3_bucket is None:
        return "not with pictures on disk"
    if refusal := s3_cors.refusal():
        return Doubt(f"{refusal}. See docs/s3.md.")
    return f"pages of {settings.origin} may send files straight to the bucket"


def run_store_check() -> None:
    """Print a JSON object with `fault` and `warning`, sentences or null, and `lasting`."""
    fault, lasting, warning = None, False, None
    try:
        store = storage.get_store()
        store.check()
        store.try_out()
        if store.readable_by_anyone():
            what = get_settings().s3_bucket
            warning = (
                f"The bucket {what} answers requests without a signature: anyone can see every "
                "picture. Block public access to it."
                if what
                else f"Other users of this machine can enter {get_settings().pictures_dir}."
            )
    except StoreUnavailable as error:
        fault, lasting = error.detail, isinstance(error, StoreMisconfigured)
    typer.echo(json.dumps({"fault": fault, "lasting": lasting, "warning": warning}))
