-- +goose Up
-- What else is kept of an attempt, as JSON (details.go); NULL: nothing.
ALTER TABLE attempts ADD COLUMN details BLOB;

-- What a line says, for programs, and about what, as JSON. Lines of earlier
-- versions are only text.
ALTER TABLE task_log ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE task_log ADD COLUMN data BLOB;

-- What a person, a user or a client, wants to find again: views and settings
-- of the pages.
CREATE TABLE preferences (
    kind       TEXT    NOT NULL,
    object_id  INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    value      BLOB    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, object_id, name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE preferences;
ALTER TABLE task_log DROP COLUMN data;
ALTER TABLE task_log DROP COLUMN kind;
ALTER TABLE attempts DROP COLUMN details;
