-- The five assets of a host incident. Each says what it must, and without all five no such incident is closed, by whomever.

CREATE TABLE IF NOT EXISTS watchkeeper.host_assets (
  project_id     text NOT NULL,
  incident_id    uuid NOT NULL,
  asset          text NOT NULL,
  fields         jsonb NOT NULL,
  remediation_id uuid,
  written_by     text NOT NULL,
  written_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, incident_id, asset),
  CONSTRAINT host_assets_fields CHECK (
    CASE asset
      WHEN 'knowledge_base_incident_summary' THEN
        fields ?& ARRAY['incident_id', 'root_cause', 'evidence_refs', 'post_check_result']
      WHEN 'playbook_trust_evidence' THEN
        fields ?& ARRAY['playbook_id', 'matched_rule', 'success_or_failure', 'negative_reinforcement_note']
      WHEN 'awooop_work_item_truth_chain' THEN fields ?& ARRAY['owner', 'status', 'approval_ref', 'maintenance_window']
      WHEN 'verifier_post_check' THEN
        fields ?& ARRAY['before_metrics', 'after_metrics', 'alert_state', 'service_health']
      WHEN 'recurrence_guard' THEN
        fields ?& ARRAY['prometheus_metric', 'alert_lane', 'owner_followup', 'next_review_at']
      ELSE false
    END AND NOT jsonb_path_exists(fields, '$.* ? (@ == null || @ == "")'))
);

CREATE OR REPLACE FUNCTION watchkeeper.host_incident_needs_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM watchkeeper.host_assets a
       WHERE a.project_id = NEW.project_id AND a.incident_id = NEW.id) < 5 THEN
    RAISE EXCEPTION 'incident % of % is not closed without its five assets', NEW.id, NEW.rule
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER host_incident_needs_assets
  BEFORE UPDATE OF state ON watchkeeper.watchdog_incidents FOR EACH ROW
  WHEN (NEW.state = 'resolved' AND OLD.state <> 'resolved' AND NEW.rule IN ('host_orphan_browser', 'host_ci_saturation'))
  EXECUTE FUNCTION watchkeeper.host_incident_needs_assets();
