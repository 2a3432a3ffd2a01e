"""One condition for everything that finds pictures, and the timeline of a list."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FUNCTIONS = [
    "imgapp_find",
    "imgapp_find_among",
    "imgapp_find_count",
    "imgapp_find_position",
    "imgapp_search_few",
    "imgapp_timeline",
    "imgapp_wanted_condition",
    "imgapp_wanted_order",
]
READ_BY_NOW = (
    "filename, mime_type, width, height, shape, no_alt_text, decorative,"
    " alt_text_by, description_by, tags_by, visible_text_by, decorative_by"
)


SEARCH = "imgapp_search_images(text, text, text, timestamptz, uuid, integer)"


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0016/finding")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions([*FUNCTIONS, "imgapp_search_query"])
        run_file("0001/search")
        execute(f"ALTER FUNCTION {SEARCH} ROWS 100")
        hand_over(["imgapp_search_count", "imgapp_search_images", "imgapp_search_query"])
    execute(f"REVOKE SELECT ({READ_BY_NOW}) ON images FROM {roles.SYSTEM}")
    execute(f"REVOKE SELECT (image_id) ON batch_items FROM {roles.SYSTEM}")
    execute(
        "DROP INDEX images_gallery, images_by_name, images_by_size, images_without_alt_text,"
        " images_edited"
    )
    execute("ALTER TABLE images DROP COLUMN shape, DROP COLUMN no_alt_text")
    execute(
        "CREATE INDEX images_gallery ON images (user_id, uploaded_at DESC, id DESC)"
        " WHERE deleted_at IS NULL"
    )
