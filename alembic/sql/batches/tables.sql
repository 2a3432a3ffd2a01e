-- Batches of pictures that a program sends or has fetched, and servers that asked for a rest.

-- `import_key` says which folder an import reads, so that the same command
-- goes on in the same batch; while it runs, the batch is open.
CREATE TABLE batches (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text CONSTRAINT batches_name_check CHECK (length(name) BETWEEN 1 AND 200),
    context text CONSTRAINT batches_context_check CHECK (length(context) <= 2000),
    import_key text,
    is_open boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    waiting integer NOT NULL DEFAULT 0,
    fetching integer NOT NULL DEFAULT 0,
    added integer NOT NULL DEFAULT 0,
    duplicate integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    CONSTRAINT batches_user_id_import_key_key UNIQUE (user_id, import_key)
);
CREATE INDEX batches_newest ON batches (user_id, created_at DESC, id DESC);
CREATE INDEX batches_old ON batches (updated_at);
CREATE INDEX batches_cancelled ON batches (id) WHERE cancelled_at IS NOT NULL AND waiting > 0;

-- A file of a batch, and what became of it. Those with a URL wait until a worker fetches them.
CREATE TABLE batch_items (
    id uuid PRIMARY KEY,
    batch_id uuid NOT NULL REFERENCES batches ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    item_key text,
    filename text CONSTRAINT batch_items_filename_check CHECK (length(filename) <= 1000),
    url text CONSTRAINT batch_items_url_check CHECK (length(url) <= 2000),
    host text CONSTRAINT batch_items_host_check CHECK (length(host) <= 300),
    outcome text NOT NULL CONSTRAINT batch_items_outcome_check CHECK (
        outcome IN ('waiting', 'fetching', 'added', 'duplicate', 'refused', 'cancelled')
    ),
    image_id uuid REFERENCES images ON DELETE SET NULL,
    code text,
    detail text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lost_attempts integer NOT NULL DEFAULT 0,
    lease_id uuid,
    lease_expires_at timestamptz,
    CONSTRAINT batch_items_batch_id_item_key_key UNIQUE (batch_id, item_key),
    CONSTRAINT batch_items_fetch_check CHECK (
        outcome NOT IN ('waiting', 'fetching')
        OR (url IS NOT NULL AND host IS NOT NULL AND due_at IS NOT NULL)
    ),
    CONSTRAINT batch_items_lease_check CHECK (
        (outcome = 'fetching') = (lease_id IS NOT NULL AND lease_expires_at IS NOT NULL)
    )
);
CREATE INDEX batch_items_listed ON batch_items (batch_id, id);
CREATE INDEX batch_items_by_outcome ON batch_items (batch_id, outcome, id);
CREATE INDEX batch_items_waiting ON batch_items (user_id, host, due_at, id)
    WHERE outcome = 'waiting';
CREATE INDEX batch_items_fetching ON batch_items (lease_expires_at) WHERE outcome = 'fetching';
-- Without them, removing a picture or a person reads the whole table.
CREATE INDEX batch_items_image ON batch_items (image_id) WHERE image_id IS NOT NULL;
CREATE INDEX batch_items_person ON batch_items (user_id);

-- Servers that asked for a rest, by the person whose pictures were fetched there.
CREATE TABLE fetch_rests (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    host text NOT NULL CONSTRAINT fetch_rests_host_check CHECK (length(host) <= 300),
    until timestamptz NOT NULL,
    PRIMARY KEY (user_id, host)
);

ALTER TABLE batches ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON batches USING (user_id = (SELECT :user_id));
CREATE POLICY system ON batches TO imgapp_system USING (true);

ALTER TABLE batch_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON batch_items
    USING (user_id = (SELECT :user_id))
    -- Foreign keys look past row-level security: batch and picture must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM batches
            WHERE batches.id = batch_items.batch_id AND batches.user_id = batch_items.user_id
        )
        AND (
            image_id IS NULL
            OR EXISTS (
                SELECT FROM images
                WHERE images.id = batch_items.image_id AND images.user_id = batch_items.user_id
            )
        )
    );
CREATE POLICY system ON batch_items TO imgapp_system USING (true);

ALTER TABLE fetch_rests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON fetch_rests USING (user_id = (SELECT :user_id));
CREATE POLICY system ON fetch_rests TO imgapp_system USING (true);

GRANT SELECT, INSERT, UPDATE (name, context, is_open, cancelled_at, updated_at) ON batches TO :app;
GRANT SELECT, INSERT,
    UPDATE (
        filename, outcome, image_id, code, detail, finished_at,
        due_at, attempts, lost_attempts, lease_id, lease_expires_at
    ) ON batch_items TO :app;
GRANT SELECT, INSERT, UPDATE (until) ON fetch_rests TO :app;
GRANT SELECT (
        id, user_id, updated_at, cancelled_at,
        waiting, fetching, added, duplicate, refused, cancelled
    ),
    UPDATE (updated_at, waiting, fetching, added, duplicate, refused, cancelled),
    DELETE ON batches TO imgapp_system;
GRANT SELECT (
        id, batch_id, user_id, url, host, outcome, image_id, due_at, attempts, lost_attempts,
        lease_id, lease_expires_at
    ),
    UPDATE (
        outcome, code, detail, finished_at, due_at, lost_attempts, lease_id, lease_expires_at
    ) ON batch_items TO imgapp_system;
GRANT SELECT, DELETE ON fetch_rests TO imgapp_system;

CREATE TRIGGER batch_items_added AFTER INSERT ON batch_items
    REFERENCING NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_batch_items();
CREATE TRIGGER batch_items_changed AFTER UPDATE ON batch_items
    REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_batch_items();
