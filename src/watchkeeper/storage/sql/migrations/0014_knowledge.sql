-- Memory and people: which lesson was handed to whom and what came of it, what a proposal is about and what it did, which
-- projects are read as one, and what came of a signal.

-- digest is the SHA-256 of what a lesson says: the same is learnt once in a project. document is what was imported, for
-- an export that gives it back. A retired lesson is handed out no more.
ALTER TABLE watchkeeper.lessons
  ADD COLUMN IF NOT EXISTS kind text,
  ADD COLUMN IF NOT EXISTS rule text,
  ADD COLUMN IF NOT EXISTS document jsonb,
  ADD COLUMN IF NOT EXISTS digest text,
  ADD COLUMN IF NOT EXISTS retired_by text,
  ADD COLUMN IF NOT EXISTS retired_at timestamptz,
  ADD COLUMN IF NOT EXISTS retire_reason text;
CREATE UNIQUE INDEX IF NOT EXISTS lessons_digest ON watchkeeper.lessons (project_id, digest);

-- One lesson given to one attempt. It is judged when the attempt is over.
CREATE TABLE IF NOT EXISTS watchkeeper.lesson_uses (
  project_id text NOT NULL,
  lesson_id  uuid NOT NULL,
  job_id     uuid NOT NULL,
  seq        bigint NOT NULL,
  epoch      integer NOT NULL,
  handed_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  verdict    text CHECK (verdict IN ('confirmed', 'refuted', 'neither')),
  judged_at  timestamptz,
  PRIMARY KEY (project_id, lesson_id, seq, epoch),
  CHECK ((verdict IS NULL) = (judged_at IS NULL))
);
CREATE INDEX IF NOT EXISTS lesson_uses_unjudged ON watchkeeper.lesson_uses (project_id, seq, epoch) WHERE judged_at IS NULL;
CREATE INDEX IF NOT EXISTS lesson_uses_age ON watchkeeper.lesson_uses USING brin (handed_at) WITH (autosummarize = on);

-- learnt_at: the lesson of a resolved incident was written, or its rule has none to give.
ALTER TABLE watchkeeper.watchdog_incidents ADD COLUMN IF NOT EXISTS learnt_at timestamptz;
CREATE INDEX IF NOT EXISTS watchdog_incidents_unlearnt ON watchkeeper.watchdog_incidents (resolved_at)
  WHERE state = 'resolved' AND learnt_at IS NULL;

-- The incidents of the last weeks are counted over all projects.
CREATE INDEX IF NOT EXISTS watchdog_incidents_age ON watchkeeper.watchdog_incidents USING brin (opened_at)
  WITH (autosummarize = on);

-- subject is what a proposal is about, for programs; effect is what its acceptance changed, with what stood there before.
ALTER TABLE watchkeeper.proposals
  ADD COLUMN IF NOT EXISTS author text NOT NULL DEFAULT 'system',
  ADD COLUMN IF NOT EXISTS subject jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS occurrences integer NOT NULL DEFAULT 1 CHECK (occurrences >= 1),
  ADD COLUMN IF NOT EXISTS last_seen_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  ADD COLUMN IF NOT EXISTS feedback text,
  ADD COLUMN IF NOT EXISTS effect jsonb,
  ADD COLUMN IF NOT EXISTS undone_by text,
  ADD COLUMN IF NOT EXISTS undone_at timestamptz;
CREATE INDEX IF NOT EXISTS proposals_fingerprint ON watchkeeper.proposals (project_id, fingerprint, id DESC)
  WHERE fingerprint IS NOT NULL;

-- A pointer, one step long: the projects that point to one, and that one, are read together. Rows never move.
ALTER TABLE watchkeeper.projects
  ADD COLUMN IF NOT EXISTS merged_into text REFERENCES watchkeeper.projects ON DELETE SET NULL
    CHECK (merged_into <> project_id);
CREATE INDEX IF NOT EXISTS projects_merged ON watchkeeper.projects (merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE watchkeeper.people_syncs ADD COLUMN IF NOT EXISTS signal_id uuid;
CREATE INDEX IF NOT EXISTS people_syncs_due ON watchkeeper.people_syncs (due_at)
  WHERE answered_at IS NULL AND reminded_at IS NULL;

-- route says why the signal became a job of this kind; who saw that it was adopted, and what it was worth, says so.
ALTER TABLE watchkeeper.signals
  ADD COLUMN IF NOT EXISTS received_by text NOT NULL DEFAULT 'system',
  ADD COLUMN IF NOT EXISTS route jsonb,
  ADD COLUMN IF NOT EXISTS adoption_ref text,
  ADD COLUMN IF NOT EXISTS adopted_by text,
  ADD COLUMN IF NOT EXISTS adopted_at timestamptz,
  ADD COLUMN IF NOT EXISTS value_ref text,
  ADD COLUMN IF NOT EXISTS valued_by text,
  ADD COLUMN IF NOT EXISTS valued_at timestamptz;
