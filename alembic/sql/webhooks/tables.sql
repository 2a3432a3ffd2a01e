-- Webhooks, and the deliveries to them.

CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL CONSTRAINT webhooks_name_check CHECK (length(name) <= 100),
    url text NOT NULL CONSTRAINT webhooks_url_check CHECK (length(url) BETWEEN 1 AND 2000),
    events text[] NOT NULL CONSTRAINT webhooks_events_check CHECK (
        cardinality(events) > 0
        AND events <@ ARRAY['analysis.completed', 'analysis.failed', 'text.approved']
    ),
    -- The secret itself is made from this, the id and the installation's own secret.
    secret_version integer NOT NULL,
    secret_rotated_at timestamptz,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled_reason text
        CONSTRAINT webhooks_disabled_reason_check
        CHECK (disabled_reason IN ('person', 'gone', 'failing')),
    failing_since timestamptz,
    last_claimed_at timestamptz,
    CONSTRAINT webhooks_disabled_check CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX ix_webhooks_user_id ON webhooks (user_id);

-- No foreign key to the picture: what was sent is remembered when the picture is gone.
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event text NOT NULL,
    image_id uuid,
    -- Of a text.
    language text,
    occurred_at timestamptz NOT NULL,
    state text NOT NULL
        CONSTRAINT webhook_deliveries_state_check
        CHECK (state IN ('pending', 'delivered', 'failed', 'cancelled')),
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    lease_id uuid,
    lease_expires_at timestamptz,
    payload text,
    attempted_at timestamptz,
    finished_at timestamptz,
    response_status integer,
    seconds double precision,
    error_code text,
    error_message text,
    -- What the sweeper could not find would be on its way for ever.
    CONSTRAINT webhook_deliveries_lease_check
        CHECK ((lease_id IS NULL) = (lease_expires_at IS NULL))
);
CREATE INDEX ix_webhook_deliveries_user_id ON webhook_deliveries (user_id);
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, occurred_at DESC, id DESC);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, id)
    WHERE state = 'pending' AND lease_id IS NULL;
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (lease_expires_at)
    WHERE lease_id IS NOT NULL;

ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON webhooks USING (user_id = (SELECT :user_id));
CREATE POLICY system ON webhooks TO imgapp_system USING (true);

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook_deliveries
    USING (user_id = (SELECT :user_id))
    -- Foreign keys look past row-level security: the webhook must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM webhooks
            WHERE webhooks.id = webhook_deliveries.webhook_id
                AND webhooks.user_id = webhook_deliveries.user_id
        )
    );
CREATE POLICY system ON webhook_deliveries TO imgapp_system USING (true);

GRANT SELECT (id, user_id, events, disabled_at, failing_since, last_claimed_at),
    UPDATE (last_claimed_at) ON webhooks TO imgapp_system;
GRANT SELECT (
        id, user_id, webhook_id, state, due_at, lease_id, lease_expires_at, attempts,
        occurred_at, finished_at
    ),
    INSERT (
        id, user_id, webhook_id, event, image_id, language, occurred_at, state, attempts, due_at
    ),
    UPDATE (
        state, attempts, due_at, lease_id, lease_expires_at, attempted_at, finished_at,
        error_code, error_message
    ),
    DELETE ON webhook_deliveries TO imgapp_system;

GRANT SELECT, INSERT, DELETE,
    UPDATE (
        name, url, events, secret_version, secret_rotated_at, disabled_at, disabled_reason,
        failing_since
    ) ON webhooks TO :app;
GRANT SELECT, INSERT,
    UPDATE (
        state, attempts, due_at, lease_id, lease_expires_at, payload, attempted_at, finished_at,
        response_status, seconds, error_code, error_message
    ) ON webhook_deliveries TO :app;

-- Programs are told of answers, reused ones as well, and not of a picture whose run was cancelled:
-- it is again what it was.
CREATE TRIGGER images_deliveries AFTER UPDATE OF analysis_status, analysis_id ON images FOR EACH ROW
    WHEN (
        NEW.analysis_status IN ('completed', 'failed') AND NEW.deleted_at IS NULL
        AND (
            OLD.analysis_id IS DISTINCT FROM NEW.analysis_id AND NEW.analysis_id IS NOT NULL
            OR OLD.analysis_status IS DISTINCT FROM NEW.analysis_status
            AND NOT (OLD.analysis_status = 'pending' AND OLD.ask IS NOT NULL)
        )
    )
    EXECUTE FUNCTION imgapp_note_deliveries();

CREATE TRIGGER image_texts_deliveries_new AFTER INSERT ON image_texts FOR EACH ROW
    WHEN (NEW.state = 'approved') EXECUTE FUNCTION imgapp_note_approval();
CREATE TRIGGER image_texts_deliveries AFTER UPDATE ON image_texts FOR EACH ROW
    WHEN (NEW.state = 'approved' AND OLD.approved_at IS DISTINCT FROM NEW.approved_at)
    EXECUTE FUNCTION imgapp_note_approval();
