-- +goose Up
-- Tasks that are tried again, in order of id. Hardly any task is in it at a
-- time, and the others do not notice it (BenchmarkIndexCost).
CREATE INDEX tasks_retrying ON tasks (status) WHERE status = 'pending' AND attempt_count > 0;

-- Deleted tasks, as long as they can be restored. They are out of the table of
-- tasks, so that nothing that looks there has to tell them apart. Their
-- attempts and log stay where they are. deleted_at is of the store's clock.
CREATE TABLE deleted_tasks (
    id            INTEGER PRIMARY KEY,
    deleted_at    INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    run_at        INTEGER NOT NULL,
    fence         INTEGER NOT NULL,
    endpoint_id   INTEGER NOT NULL,
    client_id     INTEGER NOT NULL,
    resource_id   INTEGER NOT NULL,
    attempt_count INTEGER NOT NULL,
    attempt_base  INTEGER NOT NULL,
    max_attempts  INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    budget_from   INTEGER NOT NULL,
    finished_at   INTEGER NOT NULL,
    refused       TEXT    NOT NULL,
    resend_of     INTEGER NOT NULL,
    last_error    TEXT    NOT NULL,
    ref           TEXT    NOT NULL,
    scope         TEXT    NOT NULL,
    source        BLOB    NOT NULL
) STRICT;
CREATE INDEX deleted_tasks_at ON deleted_tasks (deleted_at);

-- +goose Down
DROP TABLE deleted_tasks;
DROP INDEX tasks_retrying;
