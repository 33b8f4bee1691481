-- user_version 3.

-- The table again, as a CHECK cannot be changed: a third reason why jobs of a rule are not started (2: after failures),
-- and how many of its jobs have failed for good one after the other, kept only where PauseAfterFailures asks for it.
CREATE TABLE rules_3 (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_scan_ns INTEGER,                 -- when the first scan of its whole tree had finished; NULL before
    paused INTEGER CHECK (paused BETWEEN 0 AND 2),     -- NULL: its jobs start; 0 too many files, 1 by hand, 2 failures
    path BLOB,                             -- its Path and patterns when its whole tree was scanned last; NULL where that
    patterns TEXT,                         -- was not recorded
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    engine TEXT                            -- where its running jobs go on without the service; NULL: they end with it
) STRICT;

INSERT INTO rules_3 (id, name, first_scan_ns, paused, path, patterns)
    SELECT id, name, first_scan_ns, paused, path, patterns FROM rules;
DROP TABLE rules;
ALTER TABLE rules_3 RENAME TO rules;

-- Paths that completed too often in a short time. While paused, the path's job is queued with the largest due time there
-- is. What was resumed stays until it cannot matter any more.
CREATE TABLE guarded_paths (
    rule_id INTEGER NOT NULL,
    directory BLOB NOT NULL,
    name BLOB NOT NULL,
    paused_ns INTEGER,                     -- NULL: resumed
    after_job_id INTEGER NOT NULL DEFAULT 0,           -- jobs up to this one, the newest when it was resumed, count no more
    PRIMARY KEY (rule_id, directory, name)
) STRICT, WITHOUT ROWID;

-- What is done with the file of a job that has ended (OnSuccess, OnFailure), from the intention on.
CREATE TABLE disposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL UNIQUE,
    rule_id INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),         -- move, delete
    source BLOB NOT NULL,                  -- absolute, as is the destination
    destination BLOB CHECK ((kind = 1) = (destination IS NOT NULL)),
    inode INTEGER NOT NULL,                -- the version that was processed
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    copy_inode INTEGER,                    -- of the whole copy beside the destination, before it gets that name
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),         -- intended, done, left undone
    reason TEXT CHECK ((state = 2) = (reason IS NOT NULL)),
    intended_ns INTEGER NOT NULL,
    ended_ns INTEGER CHECK ((state = 0) = (ended_ns IS NULL)),
    begun INTEGER NOT NULL DEFAULT 0 CHECK (begun BETWEEN 0 AND 1),         -- until it ends, its job cannot run again
    device_id INTEGER                      -- where the file was; NULL: not known
) STRICT;

CREATE INDEX disposals_intended ON disposals (rule_id, id) WHERE state = 0;

-- What OnFailureCommand has still to be run for.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id INTEGER NOT NULL,
    job_id INTEGER,                        -- NULL: of a held file
    attempt INTEGER NOT NULL DEFAULT 0,
    directory BLOB NOT NULL,
    name BLOB NOT NULL,
    size INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_ns INTEGER NOT NULL
) STRICT;

CREATE INDEX notices_rule ON notices (rule_id, id);

-- When it was said that the file has been held for long (HeldWarning); NULL before.
ALTER TABLE files ADD COLUMN warned_ns INTEGER;
CREATE INDEX files_unwarned ON files (rule_id, recorded_ns) WHERE state = 1 AND warned_ns IS NULL;

-- Whether it was seen with several links: then it may be written through another one, which gives no event here.
ALTER TABLE files ADD COLUMN linked INTEGER NOT NULL DEFAULT 0 CHECK (linked BETWEEN 0 AND 1);
