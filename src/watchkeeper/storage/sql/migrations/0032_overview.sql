-- What the first page asks of the whole: how many jobs ended when, and what people did lately.

-- Ended jobs of each kind by ten minutes, counted by the watch: counting them for each reader would cost their number.
CREATE TABLE IF NOT EXISTS watchkeeper.outcome_counts (
  project_id text NOT NULL,
  kind       text NOT NULL,
  starts_at  timestamptz NOT NULL,
  verified   integer NOT NULL DEFAULT 0,
  unverified integer NOT NULL DEFAULT 0,
  failed     integer NOT NULL DEFAULT 0,
  cancelled  integer NOT NULL DEFAULT 0,
  PRIMARY KEY (project_id, starts_at, kind)
);
CREATE INDEX IF NOT EXISTS outcome_counts_age ON watchkeeper.outcome_counts (starts_at);

-- Up to when jobs are counted; who counts holds the row.
CREATE TABLE IF NOT EXISTS watchkeeper.outcome_counting (
  is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  counted_to timestamptz
);
INSERT INTO watchkeeper.outcome_counting DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Jobs end in the order of the table's pages, so that an index of page ranges finds the newest for next to nothing.
CREATE INDEX IF NOT EXISTS job_outcomes_finished ON watchkeeper.job_outcomes USING brin (finished_at)
  WITH (pages_per_range = 16, autosummarize = on);

-- What people did, among many rows of workers.
CREATE INDEX IF NOT EXISTS audit_events_people ON watchkeeper.audit_events (project_id, at)
  WHERE starts_with(actor, 'principal:') AND event <> 'jobs_enqueued';

-- Why claimable jobs of a kind wait; NULL where a worker may take one at once. All of a kind wait for the same, so that
-- nobody needs to ask it of each.
CREATE OR REPLACE FUNCTION watchkeeper.why_ready(of_project text, of_kind text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN NOT (SELECT is_on FROM watchkeeper.switches WHERE name = 'claims') THEN 'claims_off'
              WHEN p.paused_at IS NOT NULL OR k.paused_at IS NOT NULL THEN 'paused'
              WHEN k.concurrency IS NOT NULL
                   AND k.concurrency <= (SELECT count(*) FROM watchkeeper.leases l
                                          WHERE l.project_id = of_project AND l.kind = of_kind) THEN 'limit_full'
              WHEN NOT EXISTS (SELECT FROM watchkeeper.workers e
                                WHERE e.project_id = of_project AND e.gone_at IS NULL
                                  AND (e.kinds IS NULL OR of_kind = ANY (e.kinds))) THEN 'no_eligible_worker'
              WHEN NOT EXISTS (SELECT FROM watchkeeper.workers e
                                WHERE e.project_id = of_project AND e.gone_at IS NULL AND e.stopped_at IS NULL
                                  AND (e.kinds IS NULL OR of_kind = ANY (e.kinds))) THEN 'worker_stopped'
              WHEN NOT EXISTS (SELECT FROM watchkeeper.workers e
                                WHERE e.project_id = of_project AND e.gone_at IS NULL AND e.stopped_at IS NULL
                                  AND (e.kinds IS NULL OR of_kind = ANY (e.kinds))
                                  AND NOT EXISTS (SELECT FROM watchkeeper.pool_parks q
                                                   WHERE q.project_id = e.project_id AND q.pool = e.pool
                                                     AND q.until > watchkeeper.now())) THEN 'quota_parked'
         END
    FROM watchkeeper.projects p LEFT JOIN watchkeeper.job_kinds k ON k.project_id = p.project_id AND k.kind = of_kind
   WHERE p.project_id = of_project
$$;
