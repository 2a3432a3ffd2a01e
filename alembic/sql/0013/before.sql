-- What was before, for downgrading.
DROP TRIGGER images_deliveries ON images;
CREATE TRIGGER images_deliveries AFTER UPDATE OF analysis_status ON images FOR EACH ROW
    WHEN (
        NEW.analysis_status IN ('completed', 'failed') AND NEW.deleted_at IS NULL
        AND OLD.analysis_status IS DISTINCT FROM NEW.analysis_status
    )
    EXECUTE FUNCTION imgapp_note_deliveries();
