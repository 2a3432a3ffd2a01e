"""Row-level security, proved as the role that the application connects with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from imgapp.adapters import db
from imgapp.models import (
    AccessToken,
    Batch,
    BatchItem,
    DirectUpload,
    FetchRest,
    IdempotencyKey,
    Identity,
    Image,
    ImageAnalysis,
    ImageText,
    ImageUse,
    Preferences,
    Prompt,
    PromptTrial,
    ReviewLease,
    Run,
    RunItem,
    SecondLook,
    TextChange,
    UserSession,
    Webhook,
    WebhookDelivery,
    new_id,
    now,
)

DEFINERS = {
    "imgapp_add_installation_prompt",
    "imgapp_allowance",
    "imgapp_forget_over_budget",
    "imgapp_keep_usage",
    "imgapp_reserve",
    "imgapp_set_budget",
    "imgapp_spend",
    "imgapp_spending",
    "imgapp_spending_people",
    "imgapp_spending_rows",
    "imgapp_waits_because",
    "imgapp_provider_failed",
    "imgapp_provider_answered",
    "imgapp_note_queue",
    "imgapp_claim_model_pull",
    "imgapp_end_model_pull",
    "imgapp_keep_model",
    "imgapp_note_model_pull",
    "imgapp_unwant_model",
    "imgapp_want_model",
    "imgapp_learn_from_answer",
    "imgapp_learn_from_timeout",
    "imgapp_remove_model",
    "imgapp_note_waits",
    "imgapp_change_installation",
    "imgapp_ask_for_embedding",
    "imgapp_audit",
    "imgapp_audit_events",
    "imgapp_claim_delivery",
    "imgapp_due_chores",
    "imgapp_claim_fetch",
    "imgapp_claim_image",
    "imgapp_count_batch_items",
    "imgapp_add_up_tallies",
    "imgapp_count_listed",
    "imgapp_split_blocks",
    "imgapp_tally",
    "imgapp_count_usage",
    "imgapp_create_user",
    "imgapp_delete_person",
    "imgapp_due_count",
    "imgapp_due_deliveries",
    "imgapp_due_removals",
    "imgapp_end_removals",
    "imgapp_expired_uploads",
    "imgapp_first_admin",
    "imgapp_identity",
    "imgapp_images_elsewhere",
    "imgapp_is_admin",
    "imgapp_is_last_admin",
    "imgapp_known_uploads",
    "imgapp_mark_self_registered",
    "imgapp_metrics",
    "imgapp_note_deletions",
    "imgapp_note_approval",
    "imgapp_unchecked_texts",
    "imgapp_coverage_counts",
    "imgapp_coverage_frame",
    "imgapp_text_languages",
    "imgapp_tally_texts",
    "imgapp_tally_texts_of",
    "imgapp_tally_days",
    "imgapp_add_up_text_tallies",
    "imgapp_note_deliveries",
    "imgapp_note_progress",
    "imgapp_note_removals",
    "imgapp_note_run_item",
    "imgapp_open_runs",
    "imgapp_purge_runs",
    "imgapp_people",
    "imgapp_pictures_ahead",
    "imgapp_purge_batches",
    "imgapp_find",
    "imgapp_find_among",
    "imgapp_find_count",
    "imgapp_find_position",
    "imgapp_review_count",
    "imgapp_review_queue",
    "imgapp_timeline",
    "imgapp_purge_deleted_images",
    "imgapp_purge_deleted_person",
    "imgapp_purge_trash",
    "imgapp_queue",
    "imgapp_renew_lease",
    "imgapp_require_admin",
    "imgapp_retry_failed",
    "imgapp_session",
    "imgapp_session_by_id",
    "imgapp_set_password",
    "imgapp_sign_in",
    "imgapp_storage_overview",
    "imgapp_sweep",
    "imgapp_sweep_deliveries",
    "imgapp_sweep_fetches",
    "imgapp_take_embedding_requests",
    "imgapp_token",
    "imgapp_trim_audit",
    "imgapp_trim_deliveries",
    "imgapp_unfinished_uploads",
    "imgapp_update_person",
    "imgapp_user_count",
}
TABLES = [
    "users",
    "preferences",
    "progress",
    "prompts",
    "prompt_trials",
    "batches",
    "batch_items",
    "fetch_rests",
    "sessions",
    "tokens",
    "identities",
    "images",
    "image_analyses",
    "image_texts",
    "text_changes",
    "image_uses",
    "text_tallies",
    "text_tally_changes",
    "review_leases",
    "second_looks",
    "image_deletions",
    "image_blocks",
    "image_tallies",
    "image_tally_changes",
    "image_embeddings",
    "embedding_requests",
    "model_calls",
    "usage_months",
    "runs",
    "run_items",
    "direct_uploads",
    "idempotency_keys",
    "storage_usage",
    "store_removals",
    "webhooks",
    "webhook_deliveries",
]
# Nobody's rows, seen through functions alone.
SYSTEM_TABLES = ["audit_events"]
# Nobody is in them any more; seen through functions alone.
PAST_TABLES = ["usage_removed"]
# What everybody may know, and functions alone change.
SHARED_TABLES = [
    "connected_models",
    "installation",
    "installation_prompts",
    "learned_concurrency",
    "model_pulls",
    "provider_state",
]
# There where the database has pgvector; written by functions and never as models.
OPTIONAL_TABLES = {"image_embeddings", "embedding_requests"}
# Written by triggers alone, and never as models.
TRIGGERED_TABLES = {
    "image_blocks",
    "image_tallies",
    "image_tally_changes",
    "text_tallies",
    "text_tally_changes",
}
KNOWN_TABLES = {*TABLES, *SYSTEM_TABLES, *PAST_TABLES, *SHARED_TABLES}


def an_image(user_id: UUID, **values: Any) -> Image:
    image_id = new_id()
    given: dict[str, Any] = {
        "id": image_id,
        "user_id": user_id,
        "filename": "beach.jpg",
        "s3_key": f"users/{user_id}/images/{image_id}/beach.jpg",
        "s3_bucket": "local",
        "mime_type": "image/jpeg",
        "file_size": 1,
        "sha256": f"{image_id.int:064x}",
        "width": 1,
        "height": 1,
    }
    return Image(**given | values)


def an_analysis(user_id: UUID, image_id: UUID) -> ImageAnalysis:
    return ImageAnalysis(
        user_id=user_id, image_id=image_id, processing_time=0.5, model_version="basic-1"
    )


def a_trial(user_id: UUID, image_id: UUID) -> PromptTrial:
    return PromptTrial(
        user_id=user_id,
        trial_id=new_id(),
        image_id=image_id,
        side="new",
        template="In {language}",
        prompt_version="2",
    )


def a_direct_upload(user_id: UUID) -> DirectUpload:
    upload_id = new_id()
    return DirectUpload(
        id=upload_id,
        user_id=user_id,
        filename="beach.jpg",
        size=1,
        s3_bucket="pictures",
        s3_key=f"incoming/{user_id}/{upload_id}",
        part_size=1,
        expires_at=now(),
    )


AN_EMBEDDING = """
INSERT INTO image_embeddings (image_id, user_id, embedding)
SELECT id, :user, array_fill(0.1::real, ARRAY[512])::halfvec FROM images
"""


def one_row_of_each(user_id: UUID) -> list[SQLModel]:
    image = an_image(user_id)
    batch, run = Batch(user_id=user_id), Run(user_id=user_id)
    digest = f"{user_id.int:064x}"
    webhook = Webhook(user_id=user_id, url="https://example.org", events=["analysis.failed"])
    return [
        image,
        an_analysis(user_id, image.id),
        ImageUse(user_id=user_id, image_id=image.id, name="home", language="en"),
        UserSession(user_id=user_id, token_hash=digest, expires_at=now()),
        AccessToken(user_id=user_id, name="n", token_hash=digest, hint="h", scopes=["read"]),
        IdempotencyKey(user_id=user_id, key="k", fingerprint="f"),
        Identity(user_id=user_id, issuer="https://id.example.org", subject=str(user_id)),
        a_direct_upload(user_id),
        batch,
        BatchItem(user_id=user_id, batch_id=batch.id, outcome="refused"),
        Preferences(user_id=user_id),
        Prompt(user_id=user_id, number=1, template="In {language}"),
        a_trial(user_id, image.id),
        run,
        RunItem(user_id=user_id, run_id=run.id, image_id=image.id),
        FetchRest(user_id=user_id, host="pictures.example.org", until=now()),
        webhook,
        WebhookDelivery(user_id=user_id, webhook_id=webhook.id, event="ping"),
        ReviewLease(
            user_id=user_id,
            image_id=image.id,
            language="en",
            reviewer=new_id(),
            expires_at=now(),
        ),
        SecondLook(user_id=user_id, image_id=image.id, language="en", words={}, first_by=new_id()),
    ]


A_DOUBT = """UPDATE image_texts SET doubts = '[{"rule": "hedge", "excerpt": ""}]'"""


def of_text(image: SQLModel) -> dict[str, Any]:
    return {"image_id": image.id, "user_id": image.user_id, "language": "en", "written_by": {}}


@pytest.fixture
def alices_rows(alice) -> list[SQLModel]:
    rows = one_row_of_each(alice.user_id)
    with db.transaction(alice.user_id) as session:
        for row in rows:
            session.add(row)
            session.flush()
        session.add(removed := an_image(alice.user_id))
        session.flush()
        session.execute(sa.text("UPDATE images SET alt_text = 'A dog'"))
        session.execute(sa.text("SELECT imgapp_add_up_tallies(1000)"))
        session.delete(removed)
        session.flush()
        session.execute(sa.text("SELECT imgapp_add_up_text_tallies(1000)"))
        session.add(TextChange(**of_text(rows[0]), id=new_id(), kind="written", words={}))
        session.flush()
        session.execute(sa.text(A_DOUBT))
        session.execute(sa.text(AN_EMBEDDING), {"user": alice.user_id})
        session.execute(sa.text("SELECT imgapp_note_progress()"))
        paid, under_way = new_id(), new_id()
        for call in (paid, under_way):
            session.execute(sa.select(sa.func.imgapp_reserve(call, "big", 30)))
        session.execute(sa.select(sa.func.imgapp_spend(paid, False, 900, 80, None)))
    return rows


@pytest.fixture
def everything(administrator: sa.Engine) -> Iterator[sa.Connection]:
    """Sees all rows and the catalog."""
    with administrator.connect() as connection:
        yield connection


def execute(user_id: UUID | None, statement: str, **values: Any) -> sa.CursorResult[Any]:
    with db.transaction(user_id) as session:
        return session.connection().execute(sa.text(statement), values)


def count(user_id: UUID | None, table: str) -> int:
    with db.transaction(user_id) as session:
        return session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_a_person_sees_their_own_rows_and_nobody_elses(
    alice, mallory, alices_rows, subtests
) -> None:
    for table in TABLES:
        with subtests.test(table):
            assert count(alice.user_id, table) == 1
            assert count(mallory.user_id, table) == (1 if table == "users" else 0)


def test_without_a_person_nothing_is_visible(alices_rows, subtests) -> None:
    for table in TABLES:
        with subtests.test(table):
            assert count(None, table) == 0


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("users", "password_hash = 'x'"),
        ("sessions", "expires_at = now()"),
        ("images", "filename = 'mine'"),
        ("idempotency_keys", "fingerprint = 'x'"),
        ("identities", "email = 'x'"),
        ("webhooks", "url = 'x'"),
        ("webhook_deliveries", "payload = 'x'"),
        ("preferences", "paused = true"),
        ("prompt_trials", "state = 'failed'"),
        ("direct_uploads", "state = 'failed'"),
        ("batches", "cancelled_at = now()"),
        ("batch_items", "code = 'x'"),
        ("fetch_rests", "until = now()"),
        ("runs", "cancelled_at = now()"),
        ("run_items", "outcome = 'failed'"),
        ("image_texts", "state = 'approved'"),
        ("review_leases", "expires_at = now()"),
        ("second_looks", "agreed = true, looked_at = now()"),
        ("image_uses", "state = 'approved'"),
        ("image_embeddings", "embedding = embedding"),
        ("embedding_requests", "taken_until = now()"),
    ],
)
def test_somebody_else_changes_nothing(alice, mallory, alices_rows, table, change) -> None:
    statement = f"UPDATE {table} SET {change}"
    if table != "users":
        assert execute(mallory.user_id, statement).rowcount == 0
    assert execute(None, statement).rowcount == 0
    assert execute(alice.user_id, statement).rowcount == 1


def test_a_password_can_only_be_changed_by_its_owner(alice, mallory, everything) -> None:
    execute(mallory.user_id, "UPDATE users SET password_hash = 'mallorys'")
    hashes = everything.execute(sa.text("SELECT email FROM users WHERE password_hash = 'mallorys'"))
    assert hashes.scalars().all() == [mallory.email]


@pytest.mark.parametrize(
    "table",
    [
        "sessions",
        "tokens",
        "identities",
        "images",
        "idempotency_keys",
        "direct_uploads",
        "prompts",
        "prompt_trials",
        "webhooks",
        "image_texts",
        "review_leases",
        "second_looks",
        "image_uses",
        "image_embeddings",
        "embedding_requests",
    ],
)
def test_somebody_else_deletes_nothing(alice, mallory, alices_rows, table) -> None:
    assert execute(mallory.user_id, f"DELETE FROM {table}").rowcount == 0
    assert execute(alice.user_id, f"DELETE FROM {table}").rowcount == 1


def test_rows_cannot_be_made_in_somebody_elses_name(alice, mallory, alices_rows) -> None:
    other = one_row_of_each(alice.user_id)
    other[1] = an_analysis(alice.user_id, alices_rows[0].id)
    for row in other:
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            add(mallory.user_id, row)


def test_rows_cannot_be_given_away(alice, mallory, alices_rows) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        execute(alice.user_id, "UPDATE images SET user_id = :to", to=mallory.user_id)


def test_an_analysis_cannot_be_hung_on_somebody_elses_picture(mallory, alices_rows) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        add(mallory.user_id, an_analysis(mallory.user_id, alices_rows[0].id))


def test_a_text_cannot_be_said_of_somebody_elses_picture(mallory, alices_rows) -> None:
    theirs = {"user_id": mallory.user_id, "image_id": alices_rows[0].id, "language": "de"}
    use = ImageUse(**theirs, name="home")
    change = TextChange(**theirs, id=new_id(), kind="written")
    for row in (ImageText(**theirs), use, change):
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            add(mallory.user_id, row)


def test_a_prompt_cannot_be_tried_on_somebody_elses_picture(mallory, alices_rows) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        add(mallory.user_id, a_trial(mallory.user_id, alices_rows[0].id))


def test_a_run_is_of_ones_own_pictures(alice, mallory, alices_rows) -> None:
    mine = Run(user_id=mallory.user_id)
    add(mallory.user_id, mine)
    theirs = next(row for row in alices_rows if isinstance(row, Run))
    for run_id in (mine.id, theirs.id):
        item = RunItem(user_id=mallory.user_id, run_id=run_id, image_id=alices_rows[0].id)
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            add(mallory.user_id, item)


def test_a_picture_cannot_point_at_somebody_elses_file(mallory, alices_rows) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="images_s3_key_check"):
        add(mallory.user_id, an_image(mallory.user_id, s3_key=alices_rows[0].s3_key))


def test_an_upload_cannot_take_what_somebody_else_sent(alice, mallory, alices_rows) -> None:
    theirs = next(row for row in alices_rows if isinstance(row, DirectUpload))
    mine = a_direct_upload(mallory.user_id).model_copy(update={"s3_key": theirs.s3_key})
    with pytest.raises(sa.exc.IntegrityError, match="direct_uploads_s3_key_check"):
        add(mallory.user_id, mine)


def test_a_file_is_in_ones_own_batch_and_ones_own_picture(alice, mallory, alices_rows) -> None:
    mine = Batch(user_id=mallory.user_id)
    add(mallory.user_id, mine)
    theirs = next(row for row in alices_rows if isinstance(row, Batch))
    for batch_id, image_id in ((theirs.id, None), (mine.id, alices_rows[0].id)):
        file = BatchItem(
            user_id=mallory.user_id, batch_id=batch_id, image_id=image_id, outcome="added"
        )
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            add(mallory.user_id, file)


def add(user_id: UUID, row: SQLModel) -> None:
    with db.transaction(user_id) as session:
        session.add(type(row)(**row.model_dump()))


FORBIDDEN = [
    "SET ROLE imgapp_system",
    "SET ROLE imgapp_owner",
    "ALTER TABLE images DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE images NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own ON images",
    "CREATE TABLE mine (id int)",
    "INSERT INTO users (id, email, is_admin, created_at)"
    " VALUES (gen_random_uuid(), 'x@y', true, now())",
    "UPDATE users SET is_admin = true",
    "DELETE FROM users",
    "UPDATE image_analyses SET description = 'x'",
    "DELETE FROM image_analyses",
    "UPDATE tokens SET scopes = '{read,write}'",
    "UPDATE images SET s3_key = 'x'",
    "TRUNCATE images CASCADE",
    "SELECT * FROM alembic_version",
    "UPDATE users SET quota_bytes = 1000000",
    "UPDATE users SET budget = NULL",
    "UPDATE installation SET paused = true",
    "DELETE FROM installation",
    "INSERT INTO installation_prompts (number, template, author) VALUES (1, 'x', 'x')",
    "DELETE FROM installation_prompts",
    "UPDATE prompts SET template = 'x'",
    "UPDATE prompt_trials SET template = 'x'",
    "UPDATE provider_state SET failures = 0",
    "DELETE FROM provider_state",
    "UPDATE images SET lane = 'x'",
    "UPDATE runs SET user_id = gen_random_uuid()",
    "UPDATE run_items SET image_id = gen_random_uuid()",
    "DELETE FROM runs",
    "DELETE FROM run_items",
    "UPDATE progress SET since = now()",
    "DELETE FROM progress",
    "UPDATE users SET deleting_at = NULL",
    "UPDATE users SET disabled_at = NULL",
    "UPDATE identities SET user_id = gen_random_uuid()",
    "UPDATE storage_usage SET bytes = 0",
    "UPDATE image_uses SET user_id = gen_random_uuid()",
    "UPDATE image_uses SET image_id = gen_random_uuid()",
    "UPDATE image_texts SET user_id = gen_random_uuid()",
    "UPDATE image_texts SET image_id = gen_random_uuid()",
    "UPDATE text_changes SET kind = 'approved'",
    "DELETE FROM text_changes",
    "UPDATE text_tallies SET texts = 0",
    "DELETE FROM text_tally_changes",
    "UPDATE image_blocks SET images = 0",
    "DELETE FROM image_blocks",
    "UPDATE image_tallies SET images = 0",
    "INSERT INTO image_tally_changes VALUES (gen_random_uuid(), 'pending', '', true, 1)",
    "DELETE FROM image_tally_changes",
    "UPDATE usage_months SET cost = 0",
    "DELETE FROM usage_months",
    "SELECT * FROM usage_removed",
    "UPDATE model_calls SET reserved = 0",
    "DELETE FROM model_calls",
    "UPDATE users SET over_budget = false",
    "DELETE FROM storage_usage",
    "SELECT * FROM audit_events",
    "INSERT INTO audit_events (id, at, kind, address, user_agent, details)"
    " VALUES (gen_random_uuid(), now(), 'x', '', '', '{}')",
    "UPDATE audit_events SET kind = 'x'",
    "DELETE FROM audit_events",
    "DELETE FROM image_deletions",
    "DELETE FROM webhook_deliveries",
    "UPDATE webhooks SET user_id = gen_random_uuid()",
    "UPDATE webhook_deliveries SET webhook_id = gen_random_uuid()",
    "UPDATE batches SET added = 7",
    "DELETE FROM batches",
    "UPDATE batch_items SET batch_id = gen_random_uuid()",
    "UPDATE batch_items SET url = 'x'",
    "DELETE FROM batch_items",
    "UPDATE direct_uploads SET s3_key = 'x'",
    "UPDATE direct_uploads SET user_id = gen_random_uuid()",
    "INSERT INTO image_deletions SELECT gen_random_uuid(), id, now() FROM users",
]


def test_the_application_may_not(alice, subtests) -> None:
    for statement in FORBIDDEN:
        with (
            subtests.test(statement),
            pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"),
        ):
            execute(alice.user_id, statement)


def test_turning_row_security_off_turns_the_query_off(alice, alices_rows) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="would be affected by row-level security"):
        read_without_row_security(alice.user_id)


def read_without_row_security(user_id: UUID) -> None:
    with db.transaction(user_id) as session:
        session.execute(sa.text("SET LOCAL row_security = off"))
        session.execute(sa.text("SELECT * FROM images"))


def test_the_application_role_has_no_powers(everything: sa.Connection) -> None:
    powers = everything.execute(
        sa.text(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname IN ('imgapp_app', 'imgapp_system')"
        )
    )
    assert powers.all() == [(False,) * 5] * 2
    owned = everything.execute(
        sa.text(
            "SELECT relname FROM pg_class WHERE relowner = 'imgapp_app'::regrole"
            " UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'imgapp_app'::regrole"
        )
    )
    assert owned.all() == []
    memberships = sa.text("SELECT FROM pg_auth_members WHERE member = 'imgapp_app'::regrole")
    assert everything.execute(memberships).all() == []


def test_every_table_of_a_persons_data_forces_row_security(everything: sa.Connection) -> None:
    rows = everything.execute(
        sa.text(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class c"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND (relname = 'users' OR EXISTS (SELECT FROM pg_attribute"
            "  WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped))"
        )
    )
    assert dict(rows.all()) == dict.fromkeys([*TABLES, *SYSTEM_TABLES], True)


def test_every_table_is_known_here(everything: sa.Connection) -> None:
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    found = set(everything.execute(sa.text(tables)).scalars())
    assert found == {*KNOWN_TABLES, "alembic_version"}
    assert set(SQLModel.metadata.tables) == KNOWN_TABLES - OPTIONAL_TABLES - TRIGGERED_TABLES


def test_there_are_no_views_to_look_around_policies(everything: sa.Connection) -> None:
    views = "SELECT viewname FROM pg_views WHERE schemaname = 'public'"
    assert everything.execute(sa.text(views)).all() == []


def test_the_definer_functions_are_those_listed_here(everything: sa.Connection) -> None:
    rows = everything.execute(
        sa.text(
            "SELECT proname, proowner::regrole::text AS owner, proconfig,"
            " has_function_privilege('imgapp_app', oid, 'EXECUTE') AS app,"
            " EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0) OR proacl IS NULL AS public"
            " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
    ).all()
    assert {row.proname for row in rows} == DEFINERS
    for row in rows:
        assert (row.owner, row.app, row.public) == ("imgapp_system", True, False), row.proname
        assert 'search_path=""' in row.proconfig, row.proname


def test_the_role_of_the_functions_reaches_only_the_columns_it_needs(
    everything: sa.Connection,
) -> None:
    grants = everything.execute(
        sa.text(
            "SELECT table_name || '.' || column_name FROM information_schema.column_privileges"
            " WHERE grantee = 'imgapp_system' AND privilege_type = 'SELECT'"
        )
    )
    readable = set(grants.scalars())
    assert "images.search" in readable
    texts = {"images.alt_text", "images.description", "images.visible_text", "images.facts"}
    assert not readable & (texts | {"sessions.address", "tokens.name"})
    assert not any(column.startswith(("image_analyses", "idempotency")) for column in readable)


ADMINISTRATION = [
    "SELECT imgapp_queue()",
    "SELECT * FROM imgapp_retry_failed(NULL, 10)",
    "SELECT imgapp_require_admin()",
    "SELECT * FROM imgapp_spending('2026-07-01')",
    "SELECT * FROM imgapp_spending_people('2026-07-01', NULL, NULL, NULL, NULL, 10)",
    "SELECT * FROM imgapp_spending_rows('2026-07-01', 10)",
    "SELECT imgapp_set_budget(:alice, 5)",
    "SELECT * FROM imgapp_people(NULL, NULL, NULL, 10)",
    "SELECT imgapp_update_person(:alice, true, NULL, false, NULL, NULL)",
    "SELECT imgapp_set_password(:alice, 'x')",
    "SELECT imgapp_delete_person(:alice)",
    "SELECT imgapp_add_installation_prompt('In {language}')",
    "SELECT * FROM imgapp_audit_events(NULL, NULL, NULL, NULL, NULL, NULL, 10)",
]


@pytest.mark.parametrize("statement", ADMINISTRATION)
def test_only_administrators_administrate(alice, mallory, admin, statement) -> None:
    values = {"alice": alice.user_id} if ":alice" in statement else {}
    for other in (mallory.user_id, None):
        with pytest.raises(sa.exc.ProgrammingError, match="administrators only"):
            execute(other, statement, **values)
    execute(admin.user_id, statement, **values)


@pytest.mark.parametrize("what", ["disabled_at", "deleting_at"])
def test_an_administrator_who_may_not_sign_in_may_nothing(administrator, admin, what) -> None:
    with administrator.begin() as connection:
        connection.execute(sa.text(f"UPDATE users SET {what} = now()"))
    with pytest.raises(sa.exc.ProgrammingError, match="administrators only"):
        execute(admin.user_id, "SELECT imgapp_require_admin()")


def test_usage_follows_the_pictures(alice, mallory) -> None:
    usage = "SELECT images, bytes, listed FROM storage_usage"
    images = [an_image(alice.user_id, file_size=size) for size in (5, 7, 11)]
    for image in images:
        add(alice.user_id, image)
    add(mallory.user_id, an_image(mallory.user_id, file_size=100))
    assert execute(alice.user_id, usage).all() == [(3, 23, 3)]
    execute(alice.user_id, "UPDATE images SET deleted_at = now() WHERE file_size < 11")
    assert execute(alice.user_id, usage).all() == [(3, 23, 1)]
    execute(alice.user_id, "UPDATE images SET deleted_at = now() + interval '1 s'")
    execute(alice.user_id, "UPDATE images SET deleted_at = NULL WHERE file_size = 5")
    assert execute(alice.user_id, usage).all() == [(3, 23, 1)]
    execute(alice.user_id, "DELETE FROM images WHERE file_size > 5")
    assert execute(alice.user_id, usage).all() == [(1, 5, 1)]
    add(alice.user_id, an_image(alice.user_id, deleted_at=now()))
    assert execute(alice.user_id, "SELECT images, listed FROM storage_usage").all() == [(2, 1)]
    assert execute(mallory.user_id, usage).all() == [(1, 100, 1)]


def search(user_id: UUID | None, query: str | None = None, tag: str | None = None) -> list[UUID]:
    wanted = {"q": query, "tags": [tag]} if tag else {"q": query}
    find = "SELECT imgapp_find(:wanted, NULL, 0, 10, false)"
    among = f"SELECT imgapp_find_among(:wanted, ARRAY({find}))"
    with db.transaction(user_id) as session:
        first, second = (
            list(session.execute(sa.text(sql), {"wanted": json.dumps(wanted)}).scalars())
            for sql in (find, among)
        )
    assert set(first) == set(second)
    return first


def test_search_takes_the_person_from_the_setting(alice, mallory) -> None:
    image = an_image(alice.user_id, description="A walrus", tags=["animal"])
    add(alice.user_id, image)
    assert search(alice.user_id, "walrus") == [image.id]
    assert search(alice.user_id, tag="animal") == [image.id]
    for other in (mallory.user_id, None):
        assert search(other, "walrus") == []
        assert search(other, tag="animal") == []
        assert search(other) == []


def test_deleting_a_picture_takes_its_analyses_along(alice, alices_rows, everything) -> None:
    image, analysis = alices_rows[:2]
    execute(alice.user_id, "UPDATE images SET analysis_id = :id", id=analysis.id)
    execute(alice.user_id, "DELETE FROM images WHERE id = :id", id=image.id)
    assert everything.execute(sa.text("SELECT count(*) FROM image_analyses")).scalar_one() == 0
