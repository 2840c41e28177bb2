-- +goose Up
-- The recipients that are left, one a line; '': all of the channel.
ALTER TABLE notifications ADD COLUMN rest TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE notifications DROP COLUMN rest;
