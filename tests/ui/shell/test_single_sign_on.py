"""Every refusal of single sign-on has its sentence on the sign-in page."""

from __future__ import annotations

import re
from pathlib import Path

from imgapp.errors import SignInRefused
from imgapp.ui.shell import sign_in
from imgapp.ui.shell.single_sign_on import REFUSALS

PACKAGE = Path(sign_in.__file__).parents[2]
RAISING = (
    "services/accounts/single_sign_on.py",
    "services/accounts/identities.py",
    "adapters/oidc/client.py",
)
ELSEWHERE = {"first_account"}  # leads to /welcome


def test_every_refusal_has_its_sentence() -> None:
    source = "".join((PACKAGE / path).read_text() for path in RAISING)
    codes = set(re.findall(r'code(?:=| = )"(\w+)"', source)) | {SignInRefused.code}
    codes |= set(re.findall(r'else "(\w+_refused)"', source))
    assert len(codes) >= 8
    assert {code.replace("_", "-") for code in codes - ELSEWHERE} <= set(REFUSALS)


def test_the_sentences_are_on_the_page() -> None:
    page = str(sign_in.page().render()).replace("\\'", "'")
    for name, sentence in REFUSALS.items():
        assert f'id:"{name}"' in page
        assert sentence in page
