-- A person's rows are theirs alone, for every role, the owner of the tables included. The setting
-- stands in a scalar subselect so that it is read once a statement and not once a row.

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users
    USING (id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON sessions
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

ALTER TABLE tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON tokens
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

ALTER TABLE images ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON images
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

ALTER TABLE image_analyses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_analyses
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid))
    -- Foreign keys look past row-level security: the picture must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = image_analyses.image_id AND images.user_id = image_analyses.user_id
        )
    );

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency_keys
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

-- The role of the definer functions looks across people, at the columns that they need.
CREATE POLICY system ON users TO imgapp_system USING (true);
CREATE POLICY system ON sessions FOR SELECT TO imgapp_system USING (true);
CREATE POLICY system ON tokens TO imgapp_system USING (true);
CREATE POLICY system ON images TO imgapp_system USING (true);

GRANT USAGE ON SCHEMA public TO imgapp_system;
GRANT SELECT (id, email, password_hash, is_admin, disabled_at, last_claimed_at),
    INSERT (id, email, password_hash, is_admin, created_at),
    UPDATE (last_claimed_at) ON users TO imgapp_system;
GRANT SELECT (id, user_id, token_hash, expires_at) ON sessions TO imgapp_system;
GRANT SELECT (id, user_id, token_hash, scopes, expires_at, last_used_at),
    UPDATE (last_used_at) ON tokens TO imgapp_system;
GRANT SELECT (
        id, user_id, uploaded_at, deleted_at, s3_key, s3_bucket, search, tags,
        analysis_status, priority, due_at, lease_id, lease_expires_at, lost_attempts
    ),
    UPDATE (
        analysis_status, waiting_reason, due_at, started_at, completed_at, lease_id,
        lease_expires_at, lost_attempts, error_code, error_message
    ),
    DELETE ON images TO imgapp_system;

-- The application: what its services do, and nothing else. People are made by a function.
GRANT USAGE ON SCHEMA public TO :app;
GRANT SELECT, UPDATE (password_hash) ON users TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (expires_at, last_seen_at) ON sessions TO :app;
GRANT SELECT, INSERT, DELETE ON tokens TO :app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        filename, width, height, facts, uploaded_at, updated_at, deleted_at,
        analysis_status, waiting_reason, priority, queued_at, due_at, started_at, completed_at,
        lease_id, lease_expires_at, attempts, lost_attempts, error_code, error_message, analysis_id,
        alt_text, alt_text_by, description, description_by, tags, tags_by,
        visible_text, visible_text_by, decorative, decorative_by, language, language_by
    ) ON images TO :app;
GRANT SELECT, INSERT ON image_analyses TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (fingerprint, status_code, response, created_at)
    ON idempotency_keys TO :app;
