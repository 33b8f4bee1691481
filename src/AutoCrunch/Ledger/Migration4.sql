-- user_version 4.

-- Files whose name another file has taken, the newest ones. If such a file comes to light under another name, since it
-- was renamed and that was read late, its birth tells that it is known: it does not run again, and a hold stays with it.
CREATE TABLE displaced (
    id INTEGER PRIMARY KEY,
    rule_id INTEGER NOT NULL,
    directory BLOB NOT NULL,               -- where it was, as all columns of the same name in files
    name BLOB NOT NULL,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    state INTEGER NOT NULL,
    hold INTEGER,
    job_id INTEGER,
    recorded_ns INTEGER NOT NULL,
    device_id INTEGER,
    birth_ns INTEGER NOT NULL CHECK (birth_ns <> 0),
    linked INTEGER NOT NULL CHECK (linked = 0),
    warned_ns INTEGER,
    previous_id INTEGER,
    displaced_ns INTEGER NOT NULL          -- when the other file took its name
) STRICT;

-- The latest job of the file that had this name before and keeps it; NULL: the row has a job of its own, or neither had.
ALTER TABLE files ADD COLUMN previous_id INTEGER;

CREATE INDEX files_previous ON files (previous_id) WHERE previous_id IS NOT NULL;   -- what runs if that is called off

CREATE INDEX displaced_inode ON displaced (inode);

-- Where the file of a running attempt was when it was claimed, if it has been moved since: that path is in use too, also
-- when the attempt is taken up again by a later life of the service.
ALTER TABLE jobs ADD COLUMN claimed_path BLOB;

-- Jobs that wait and jobs that run, in one: a claim takes what is due first and puts it beside what runs, so that the
-- row leaves one place for another on the same page. Two indexes were a page more in each transaction.
DROP INDEX jobs_queued;
DROP INDEX jobs_running;
CREATE INDEX jobs_open ON jobs (rule_id, state DESC, due_ns) WHERE state = 0 OR state = 1;
