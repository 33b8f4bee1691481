-- user_version 2.

-- Devices that files were seen on. A number is given at boot or mount, so it is only what the device is called at
-- present; files refer to the row, and one row changes when a device comes back under another number.
CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL                -- st_dev; the newest row counts where two have the same
) STRICT;

ALTER TABLE files ADD COLUMN device_id INTEGER;                -- NULL where it is not known

-- Birth time of the file that was judged: tells it from another one that got its inode number. 0 where not known.
ALTER TABLE files ADD COLUMN birth_ns INTEGER NOT NULL DEFAULT 0;

-- Why jobs of the rule are not started: NULL they are; 0 the first scan found more than MaxExistingFiles; 1 by hand.
ALTER TABLE rules ADD COLUMN paused INTEGER CHECK (paused BETWEEN 0 AND 1);

-- What the rule looked like when its whole tree was scanned last, to say what a change of it means for files that exist.
ALTER TABLE rules ADD COLUMN path BLOB;                        -- NULL where it was not recorded
ALTER TABLE rules ADD COLUMN patterns TEXT;
