-- +goose Up
-- changes are the times of changes between up and down, encoded by probes.go.
ALTER TABLE resource_health ADD COLUMN flapping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resource_health ADD COLUMN changes BLOB NOT NULL DEFAULT x'';
ALTER TABLE resource_health ADD COLUMN remind_at INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE resource_health DROP COLUMN remind_at;
ALTER TABLE resource_health DROP COLUMN changes;
ALTER TABLE resource_health DROP COLUMN flapping;
