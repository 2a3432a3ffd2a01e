-- What texts mean, as vectors. Only where pgvector is: `imgapp migrate` runs this file once, as soon
-- as the database has the extension, whose schema is `:vector`.

-- Of pictures outside the trash that have a text. All are of one encoder
-- (imgapp/adapters/text_embeddings): a migration that brings another one empties this table and
-- asks for all pictures again.
CREATE TABLE image_embeddings (
    image_id uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL,
    embedding :vector.halfvec(512) NOT NULL,
    -- The signs alone: sixteen times smaller. Vectors that are alike have most of them in common.
    sketch bit(512) GENERATED ALWAYS AS (:vector.binary_quantize(embedding)::bit(512)) STORED
);
-- Of a person who has few, or few of all, a search reads each sketch from here and misses none.
CREATE INDEX image_embeddings_sketches ON image_embeddings (user_id) INCLUDE (image_id, sketch);
-- Of a person who has many, it goes from neighbour to neighbour. This knows no people: of the nearest
-- that it leads to, few would be those of somebody who has few of all.
CREATE INDEX image_embeddings_neighbours ON image_embeddings
    USING hnsw (sketch :vector.bit_hamming_ops);

-- Pictures whose texts are others than those that are embedded, the latest at the end.
CREATE TABLE embedding_requests (
    image_id uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    taken_until timestamptz
);
CREATE INDEX embedding_requests_latest ON embedding_requests (asked_at);

-- For once, its owner sees all rows.
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
INSERT INTO embedding_requests (image_id, user_id, asked_at)
SELECT i.id, i.user_id, i.uploaded_at FROM images i
WHERE i.deleted_at IS NULL AND (
    i.alt_text <> '' OR i.description <> '' OR i.visible_text <> '' OR cardinality(i.tags) > 0
);
ALTER TABLE images FORCE ROW LEVEL SECURITY;

ALTER TABLE image_embeddings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_embeddings
    USING (user_id = (SELECT :user_id))
    -- Foreign keys look past row-level security: the picture must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = image_embeddings.image_id
                AND images.user_id = image_embeddings.user_id
        )
    );
CREATE POLICY system ON image_embeddings TO imgapp_system USING (true);

ALTER TABLE embedding_requests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON embedding_requests USING (user_id = (SELECT :user_id));
CREATE POLICY system ON embedding_requests TO imgapp_system USING (true);

GRANT SELECT, INSERT, UPDATE (embedding), DELETE ON image_embeddings TO :app;
GRANT SELECT, UPDATE (taken_until), DELETE ON embedding_requests TO :app;
GRANT SELECT, DELETE ON image_embeddings TO imgapp_system;
GRANT SELECT, INSERT, DELETE, UPDATE (asked_at, taken_until) ON embedding_requests TO imgapp_system;

CREATE TRIGGER images_meaning_added AFTER INSERT ON images FOR EACH ROW
    WHEN (
        NEW.alt_text <> '' OR NEW.description <> '' OR NEW.visible_text <> ''
        OR cardinality(NEW.tags) > 0
    )
    EXECUTE FUNCTION imgapp_ask_for_embedding();
CREATE TRIGGER images_meaning_changed
    AFTER UPDATE OF alt_text, description, tags, visible_text, deleted_at ON images FOR EACH ROW
    WHEN (
        (OLD.alt_text, OLD.description, OLD.tags, OLD.visible_text)
            IS DISTINCT FROM (NEW.alt_text, NEW.description, NEW.tags, NEW.visible_text)
        OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
    )
    EXECUTE FUNCTION imgapp_ask_for_embedding();
