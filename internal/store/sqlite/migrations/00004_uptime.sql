-- +goose Up
-- What is known of each hour since 1970. up, down and maintenance are
-- microseconds of it. The histogram is encoded by stats.go.
CREATE TABLE uptime (
    resource_id INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    up          INTEGER NOT NULL,
    down        INTEGER NOT NULL,
    maintenance INTEGER NOT NULL,
    checks      INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    answer      BLOB    NOT NULL,
    PRIMARY KEY (resource_id, hour)
) STRICT, WITHOUT ROWID;

ALTER TABLE resource_health ADD COLUMN counted_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resource_health ADD COLUMN holds_until INTEGER NOT NULL DEFAULT 0;
-- The latest checks, encoded by recent.go.
ALTER TABLE resource_health ADD COLUMN recent BLOB NOT NULL DEFAULT x'';
-- How many rows of health_checks there are, and one more while they are full.
ALTER TABLE resource_health ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
UPDATE resource_health SET kept = (SELECT count(*) FROM health_checks AS c WHERE c.resource_id = resource_health.resource_id);
-- Who asked for it.
ALTER TABLE health_checks ADD COLUMN by TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE health_checks DROP COLUMN by;
ALTER TABLE resource_health DROP COLUMN kept;
ALTER TABLE resource_health DROP COLUMN recent;
ALTER TABLE resource_health DROP COLUMN holds_until;
ALTER TABLE resource_health DROP COLUMN counted_to;
DROP TABLE uptime;
