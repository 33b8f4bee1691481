-- The ledger, user_version 1; Migration2.sql and so on follow. All times are nanoseconds since 1970, UTC; *_ns of a job's due time are by the ledger's own
-- clock, which is never set back. Paths are bytes, relative to the rule's directory and split at the last slash.
-- The numbers of states, reasons, evidence and results are those of the enums in AutoCrunch.Core.

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,                      -- random; tells the processes of this ledger's jobs from another's
    created_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE rules (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_scan_ns INTEGER                  -- when the first scan of its whole tree had finished; NULL before
) STRICT;

-- What is believed of every file a rule has judged: what a scan is compared with.
CREATE TABLE files (
    rule_id INTEGER NOT NULL,
    directory BLOB NOT NULL,
    name BLOB NOT NULL,
    inode INTEGER NOT NULL,                -- 0 where inode numbers are not stable
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),       -- present, held, gone, changed
    hold INTEGER,                          -- why it is held, or was when it went
    job_id INTEGER,                        -- the latest job, which may be forgotten already
    recorded_ns INTEGER NOT NULL,
    gone_ns INTEGER CHECK ((state = 2) = (gone_ns IS NOT NULL)),
    CHECK (CASE state WHEN 1 THEN hold IS NOT NULL WHEN 2 THEN TRUE ELSE hold IS NULL END),
    PRIMARY KEY (rule_id, directory, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX files_inode ON files (inode) WHERE inode <> 0;     -- a rename found by a scan
CREATE INDEX files_held ON files (rule_id) WHERE state = 1;
CREATE INDEX files_gone ON files (gone_ns) WHERE state = 2;

-- AUTOINCREMENT: an id that was pruned is never given out again, logs and the environment of jobs carry it.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id INTEGER NOT NULL,
    directory BLOB NOT NULL,
    name BLOB NOT NULL,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    evidence INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),  -- queued, running, succeeded, failed, cancelled
    reason INTEGER CHECK ((state = 4) = (reason IS NOT NULL)),       -- gone, superseded, by hand
    due_ns INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,   -- number of the last attempt that was started
    failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    arrived_ns INTEGER NOT NULL,
    completed_ns INTEGER NOT NULL,
    started_ns INTEGER CHECK ((attempts = 0) = (started_ns IS NULL)),   -- of the last attempt
    finished_ns INTEGER CHECK ((state >= 2) = (finished_ns IS NOT NULL)),
    previous_id INTEGER CHECK (previous_id < id),  -- the job before this one for the same file; may be forgotten already
    -- Not as NOT IN (1, 2, 3): of three values SQLite makes a table, anew for each row that is written.
    CHECK (state NOT BETWEEN 1 AND 3 OR attempts > 0),
    CHECK (failures >= 0 AND crashes >= 0 AND failures + crashes <= attempts)
) STRICT;

CREATE INDEX jobs_queued ON jobs (rule_id, due_ns) WHERE state = 0;
CREATE INDEX jobs_running ON jobs (rule_id) WHERE state = 1;
CREATE INDEX jobs_failed ON jobs (rule_id) WHERE state = 3;

-- Attempts that have ended; the one that runs is in its job's row.
CREATE TABLE attempts (
    job_id INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    started_ns INTEGER NOT NULL,
    finished_ns INTEGER NOT NULL,
    result INTEGER NOT NULL CHECK (result BETWEEN 0 AND 4),     -- succeeded, failed, timed out, cannot start, interrupted
    exit_code INTEGER,
    signal INTEGER,
    reason TEXT CHECK ((result = 0) = (reason IS NULL)),
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;
