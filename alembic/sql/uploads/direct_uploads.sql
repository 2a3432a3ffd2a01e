-- Direct uploads that were left behind.

-- Nobody may call for these any more: what is left of them in the store can go, and then the row.
-- Of those with a multipart id, parts may be left too.
CREATE OR REPLACE FUNCTION imgapp_expired_uploads(p_limit integer)
RETURNS TABLE (
    upload_id uuid, user_id uuid, s3_bucket text, s3_key text, multipart_id text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.id, d.user_id, d.s3_bucket, d.s3_key,
        CASE WHEN d.state <> 'completed' THEN d.multipart_id END
    FROM public.direct_uploads d
    WHERE d.expires_at < now() AND (d.state <> 'saving' OR d.lease_expires_at < now())
    ORDER BY d.expires_at LIMIT p_limit
$$;

-- Confirmed by the client, and then left behind by a process that ended.
CREATE OR REPLACE FUNCTION imgapp_unfinished_uploads(p_limit integer)
RETURNS TABLE (upload_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.id, d.user_id FROM public.direct_uploads d
    WHERE d.state = 'saving' AND d.lease_expires_at < now() AND d.expires_at >= now()
    ORDER BY d.lease_expires_at LIMIT p_limit
$$;

-- Which of these uploads there are, so that the rest can be told from what nobody knows.
CREATE OR REPLACE FUNCTION imgapp_known_uploads(p_ids uuid[])
RETURNS TABLE (upload_id uuid, multipart_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.id, d.multipart_id FROM public.direct_uploads d WHERE d.id = ANY(p_ids)
$$;
