"""Search without accents, by stems of the language of each picture, and in Chinese, Japanese and
Korean."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, let_call, run_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BEFORE = ["imgapp_search_document", "imgapp_search_query"]
FUNCTIONS = [
    *BEFORE,
    "imgapp_search_cjk",
    "imgapp_search_field",
    "imgapp_search_fold",
    "imgapp_search_language",
    "imgapp_search_stemmer",
    "imgapp_search_word",
]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        execute("ALTER TABLE images DROP COLUMN search")
        drop_functions(BEFORE)
        for name in ("search", "document", "query"):
            run_file(f"0017/{name}")
        let_call(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        execute("ALTER TABLE images DROP COLUMN search")
        drop_functions(FUNCTIONS)
        run_file("0001/search_column")
        run_file("0017/before")
        execute(f"GRANT SELECT (search) ON images TO {roles.SYSTEM}")
        let_call(BEFORE)
