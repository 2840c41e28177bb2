-- +goose Up
CREATE TABLE incidents (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL,
    resource_id     INTEGER NOT NULL,
    endpoint_id     INTEGER NOT NULL,
    opened_at       INTEGER NOT NULL,
    closed_at       INTEGER NOT NULL DEFAULT 0,
    cause           TEXT    NOT NULL,
    acknowledged_by TEXT    NOT NULL DEFAULT '',
    acknowledged_at INTEGER NOT NULL DEFAULT 0,
    note            TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX incidents_open ON incidents (kind, resource_id, endpoint_id) WHERE closed_at = 0;
CREATE INDEX incidents_closed ON incidents (closed_at);
CREATE INDEX incidents_resource ON incidents (resource_id) WHERE resource_id > 0;
CREATE INDEX incidents_endpoint ON incidents (endpoint_id) WHERE endpoint_id > 0;

-- One row can stand for many events of its kind.
CREATE TABLE incident_entries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    by          TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    last_detail TEXT    NOT NULL,
    task_id     INTEGER NOT NULL
) STRICT;
CREATE INDEX incident_entries_incident ON incident_entries (incident_id, kind);

ALTER TABLE events ADD COLUMN endpoint_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN incident_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_kind ON events (kind);
CREATE INDEX events_resource ON events (resource_id) WHERE resource_id > 0;
CREATE INDEX events_endpoint ON events (endpoint_id) WHERE endpoint_id > 0;
CREATE INDEX events_incident ON events (incident_id) WHERE incident_id > 0;

ALTER TABLE resource_health ADD COLUMN failed_from INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE resource_health DROP COLUMN failed_from;
DROP INDEX events_incident;
DROP INDEX events_endpoint;
DROP INDEX events_resource;
DROP INDEX events_kind;
ALTER TABLE events DROP COLUMN incident_id;
ALTER TABLE events DROP COLUMN endpoint_id;
DROP TABLE incident_entries;
DROP TABLE incidents;
