-- +goose Up
-- What is told to people. lane is what gets one message after the other. run_at
-- and wanted_at are of the store's clock.
CREATE TABLE notifications (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    status      TEXT    NOT NULL,
    run_at      INTEGER NOT NULL,
    fence       INTEGER NOT NULL DEFAULT 0,
    channel     TEXT    NOT NULL,
    resource_id INTEGER NOT NULL,
    via         TEXT    NOT NULL,
    lane        TEXT    NOT NULL GENERATED ALWAYS AS (channel || '/' || resource_id || '/' || via) STORED,
    group_key   TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    events      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    wanted_at   INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,
    title       TEXT    NOT NULL DEFAULT '',
    last_error  TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notifications_due ON notifications (lane, run_at) WHERE status IN ('pending', 'processing');
CREATE INDEX notifications_next ON notifications (run_at) WHERE status IN ('pending', 'processing');
CREATE INDEX notifications_leased ON notifications (lane) WHERE status = 'processing';
CREATE UNIQUE INDEX notifications_open ON notifications (lane, group_key) WHERE status = 'pending';
CREATE INDEX notifications_sent ON notifications (lane) WHERE status = 'sent';
CREATE INDEX notifications_channel ON notifications (channel, resource_id);

-- Which events they tell of, as far as these are listed.
CREATE TABLE notification_events (
    event_id        INTEGER NOT NULL,
    notification_id INTEGER NOT NULL,
    incident_id     INTEGER NOT NULL,
    PRIMARY KEY (event_id, notification_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_events_notification ON notification_events (notification_id);
CREATE INDEX notification_events_incident ON notification_events (incident_id) WHERE incident_id > 0;

-- Nobody wants to be told of all that has ever happened.
UPDATE events SET status = 'planned';

-- The event that it caused.
ALTER TABLE health_checks ADD COLUMN event_id INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE health_checks DROP COLUMN event_id;
DROP TABLE notification_events;
DROP TABLE notifications;
