-- +goose Up
-- Things that can be wrong for a time, by the kind of the event that begins it.
CREATE TABLE conditions (
    kind        TEXT    NOT NULL,
    resource_id INTEGER NOT NULL,
    endpoint_id INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    PRIMARY KEY (kind, resource_id, endpoint_id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE conditions;
