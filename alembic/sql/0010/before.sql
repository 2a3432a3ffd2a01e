-- What was before, for downgrading.
DROP INDEX images_due;
DROP INDEX images_waiting;
ALTER TABLE images
    DROP COLUMN never_cloud, DROP COLUMN context, DROP COLUMN ask, DROP COLUMN lane;
ALTER TABLE users DROP COLUMN budget, DROP COLUMN over_budget;
REVOKE SELECT (waiting_reason) ON images FROM imgapp_system;
CREATE INDEX images_due ON images (priority, user_id, due_at, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;
CREATE TRIGGER images_touched BEFORE INSERT OR UPDATE OF
    filename, width, height, facts, uploaded_at, deleted_at,
    analysis_status, waiting_reason, error_code, error_message, analysis_id,
    alt_text, alt_text_by, description, description_by, tags, tags_by,
    visible_text, visible_text_by, decorative, decorative_by, language, language_by
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();

CREATE OR REPLACE FUNCTION imgapp_renew_lease(p_lease_id uuid, p_lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.images
    SET lease_expires_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE lease_id = p_lease_id AND analysis_status = 'in_progress';
    RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_sweep(p_max_lost integer)
RETURNS TABLE (image_id uuid, user_id uuid, failed boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH expired AS (
        SELECT i.id, i.lost_attempts + 1 >= p_max_lost AS failed
        FROM public.images i
        WHERE i.analysis_status = 'in_progress' AND i.lease_expires_at < clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE public.images i
    SET analysis_status = CASE WHEN e.failed THEN 'failed' ELSE 'pending' END,
        lost_attempts = i.lost_attempts + 1,
        due_at = now(),
        lease_id = NULL,
        lease_expires_at = NULL,
        completed_at = CASE WHEN e.failed THEN now() END,
        error_code = CASE WHEN e.failed THEN 'lost' END,
        error_message = CASE WHEN e.failed
            THEN 'The analysis was interrupted again and again. Try it once more.' END
    FROM expired e
    WHERE i.id = e.id
    RETURNING i.id, i.user_id, e.failed;
END
$$;
