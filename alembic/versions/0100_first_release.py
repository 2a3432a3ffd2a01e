"""The schema of the first release, for databases that were at revision 0018 before it."""

from __future__ import annotations

from imgapp.adapters.migrations import downgrade, execute  # noqa: F401

revision = "0100"
down_revision = None


def upgrade() -> None:
    execute(
        """
        DROP TRIGGER images_chosen ON images;
        DROP TRIGGER images_touched ON images;
        CREATE TRIGGER images_touched BEFORE INSERT OR UPDATE OF
            filename, width, height, facts, uploaded_at, deleted_at,
            analysis_status, waiting_reason, error_code, error_message, analysis_id,
            alt_text, alt_text_by, description, description_by, tags, tags_by,
            visible_text, visible_text_by, decorative, decorative_by, language, language_by,
            never_cloud, context, choices
            ON images FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();

        DROP TRIGGER batch_items_changed ON batch_items;
        CREATE TRIGGER batch_items_changed AFTER UPDATE ON batch_items
            REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
            FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_batch_items();
        DROP FUNCTION imgapp_recount_batch_items;
        DROP FUNCTION imgapp_audit_events;
        DROP FUNCTION imgapp_due_count;
        DROP FUNCTION imgapp_waits_because;
        """
    )
