-- Texts for a use: their states, as those of texts by language (states.sql).

-- Words that change are a draft, but for what a person wrote who approves their own at once; the
-- wording that was approved before stays until others are.
CREATE OR REPLACE FUNCTION imgapp_set_use_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_words jsonb := jsonb_build_object(
        'role', NEW.role, 'alt_text', NEW.alt_text, 'description', NEW.description
    );
    v_before jsonb := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_before := jsonb_build_object(
            'role', OLD.role, 'alt_text', OLD.alt_text, 'description', OLD.description
        );
    END IF;
    NEW.changed_at := clock_timestamp();
    IF v_words <> v_before THEN
        NEW.state := 'draft';
        NEW.state_at := NEW.changed_at;
        NEW.state_by := NULL;
        NEW.note := NULL;
        IF (NEW.alt_text <> '' OR NEW.role = 'decorative')
            AND coalesce(NEW.written_by ->> 'alt_text', 'person') = 'person'
            AND coalesce(NEW.written_by ->> 'description', 'person') = 'person'
            AND EXISTS (
                SELECT FROM public.preferences p WHERE p.user_id = NEW.user_id AND p.approve_own
            )
        THEN
            NEW.state := 'approved';
        END IF;
    END IF;
    IF TG_OP = 'INSERT' OR (NEW.state, NEW.note) IS DISTINCT FROM (OLD.state, OLD.note) THEN
        NEW.state_at := NEW.changed_at;
        NEW.state_by := CASE WHEN NEW.state <> 'draft' THEN :user_id END;
    END IF;
    IF NEW.state = 'approved' AND (
        TG_OP = 'INSERT' OR OLD.state <> 'approved' OR v_words <> v_before
    ) THEN
        NEW.state_by := :user_id;
        NEW.approved := v_words;
    END IF;
    IF NEW.state <> 'returned' THEN
        NEW.note := NULL;
    END IF;
    RETURN NEW;
END
$$;
