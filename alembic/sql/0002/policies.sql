ALTER TABLE identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON identities
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY system ON identities TO imgapp_system USING (true);

ALTER TABLE storage_usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON storage_usage
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY system ON storage_usage TO imgapp_system USING (true);

-- Nobody's rows: written and read through functions only.
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON audit_events TO imgapp_system USING (true);

CREATE POLICY system_ends ON sessions FOR DELETE TO imgapp_system USING (true);

GRANT SELECT (created_at, deleting_at, last_seen_at, quota_bytes, quota_images),
    UPDATE (
        disabled_at, is_admin, deleting_at, last_seen_at, quota_bytes, quota_images,
        password_hash, password_changed_at, password_is_temporary
    ),
    DELETE ON users TO imgapp_system;
GRANT DELETE ON sessions, tokens TO imgapp_system;
GRANT SELECT (id, user_id, issuer, subject, email), DELETE ON identities TO imgapp_system;
GRANT SELECT, INSERT, UPDATE (images, bytes) ON storage_usage TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON audit_events TO imgapp_system;

GRANT UPDATE (password_changed_at, password_is_temporary, last_seen_at) ON users TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (email, last_used_at) ON identities TO :app;
GRANT SELECT ON storage_usage TO :app;
