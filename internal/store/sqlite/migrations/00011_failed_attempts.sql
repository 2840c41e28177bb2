-- +goose Up
-- What a resource did not accept lately. Attempts that succeed cost nothing.
CREATE INDEX attempts_failed ON attempts (resource_id, started_at) WHERE outcome <> 'success';

-- +goose Down
DROP INDEX attempts_failed;
