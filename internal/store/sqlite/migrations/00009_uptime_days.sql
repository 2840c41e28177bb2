-- +goose Up
-- The same by the day (UTC): 90 days of many resources are read from here.
CREATE TABLE uptime_days (
    resource_id INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    up          INTEGER NOT NULL,
    down        INTEGER NOT NULL,
    maintenance INTEGER NOT NULL,
    checks      INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    answer      BLOB    NOT NULL,
    PRIMARY KEY (resource_id, day)
) STRICT, WITHOUT ROWID;

-- Histograms cannot be added up here: those of days before are lost.
INSERT INTO uptime_days (resource_id, day, up, down, maintenance, checks, failures, answer)
    SELECT resource_id, hour / 24, sum(up), sum(down), sum(maintenance), sum(checks), sum(failures), x''
    FROM uptime GROUP BY resource_id, hour / 24;

-- +goose Down
DROP TABLE uptime_days;
