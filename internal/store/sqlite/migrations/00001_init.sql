-- Times are microseconds since 1970 (UTC), durations nanoseconds. A time of 0
-- is "never". Times that schedule something (run_at, due_at, expires_at) are
-- read from the store's clock, all others from the wall clock.

-- +goose Up
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('config_version', 0), ('clock', 0), ('instance_key', randomblob(32));

-- The payload comes last: whatever stands before it is read without walking
-- through the pages of a long one.
CREATE TABLE tasks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    status        TEXT    NOT NULL,
    run_at        INTEGER NOT NULL DEFAULT 0,
    fence         INTEGER NOT NULL DEFAULT 0,
    endpoint_id   INTEGER NOT NULL,
    client_id     INTEGER NOT NULL,
    resource_id   INTEGER NOT NULL DEFAULT 0,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    attempt_base  INTEGER NOT NULL DEFAULT 0,
    max_attempts  INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    budget_from   INTEGER NOT NULL,
    finished_at   INTEGER NOT NULL DEFAULT 0,
    refused       TEXT    NOT NULL DEFAULT '',
    resend_of     INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT    NOT NULL DEFAULT '',
    ref           TEXT    NOT NULL,
    scope         TEXT    NOT NULL,
    source        BLOB    NOT NULL
) STRICT;

-- What each index costs is measured by BenchmarkIndexCost: throughput of whole
-- lives of tasks without it, as a multiple of the throughput with it.

-- What is due, per lane. Finished tasks are not in it.
CREATE INDEX tasks_due ON tasks (endpoint_id, run_at) WHERE status IN ('pending', 'processing');
-- Whatever people look for among many successes: 1.03. Naming the three rare
-- statuses with IN instead costs 1.1 to 1.17 on every write.
CREATE INDEX tasks_unsuccessful ON tasks (status) WHERE status <> 'success';
-- Filters: 1.03, 1.06 and 1.05. The id follows implicitly, in order. There is
-- none on ref, which would cost 1.25 and more as the table grows: random text
-- is the dearest thing to index.
CREATE INDEX tasks_endpoint ON tasks (endpoint_id);
CREATE INDEX tasks_client ON tasks (client_id);
CREATE INDEX tasks_resource ON tasks (resource_id) WHERE resource_id > 0;
-- Retention: 1.05. Stopped tasks are never cleaned up and would stand in its way.
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE status IN ('success', 'failed');
-- What was made from a task. Hardly any task is in it.
CREATE INDEX tasks_resent ON tasks (resend_of) WHERE resend_of > 0;

-- Which ids were given out in which minute since 1970 by the wall clock: those
-- from first_id up to the next row's. Tasks are found by time of creation
-- through it, exactly even if the clock was set back, and at no cost per task.
CREATE TABLE task_minutes (
    first_id INTEGER PRIMARY KEY,
    minute   INTEGER NOT NULL
) STRICT;

CREATE TABLE attempts (
    task_id       INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    resource_id   INTEGER NOT NULL,
    outcome       TEXT    NOT NULL,
    status_code   INTEGER NOT NULL,
    error         TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    duration      INTEGER NOT NULL,
    dns           INTEGER NOT NULL,
    connect       INTEGER NOT NULL,
    tls           INTEGER NOT NULL,
    first_byte    INTEGER NOT NULL,
    request_body  BLOB,
    response_body BLOB,
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_log (
    task_id INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    message TEXT    NOT NULL,
    PRIMARY KEY (task_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    client_id   INTEGER NOT NULL,
    endpoint_id INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    body_hash   BLOB    NOT NULL,
    task_id     INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (client_id, endpoint_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Deleted objects keep their row and name, so that ids are never used again
-- and old tasks can be shown by name. Their body is emptied.
CREATE TABLE config_objects (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    deleted_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX config_objects_name ON config_objects (kind, name) WHERE deleted_at = 0;
-- Id 1 is kept for the settings.
INSERT INTO sqlite_sequence (name, seq) VALUES ('config_objects', 1);

-- Who did what. Written rarely, looked up by object and by person.
CREATE TABLE audit (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    object_id INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    version   INTEGER NOT NULL, -- the configuration version that it made; 0: none
    detail    TEXT    NOT NULL,
    before    BLOB,
    after     BLOB
) STRICT;
CREATE INDEX audit_object ON audit (object_id, kind) WHERE object_id > 0;
CREATE INDEX audit_by ON audit (by);

-- A session ends at idle_end or absolute_end, whichever comes first.
CREATE TABLE sessions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         BLOB    NOT NULL UNIQUE,
    user_id      INTEGER NOT NULL,
    client_id    INTEGER NOT NULL,
    address      TEXT    NOT NULL,
    agent        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    idle_end     INTEGER NOT NULL,
    absolute_end INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id > 0;
CREATE INDEX sessions_client ON sessions (client_id) WHERE client_id > 0;
CREATE INDEX sessions_end ON sessions (min(idle_end, absolute_end));

CREATE TABLE token_use (
    kind      TEXT    NOT NULL,
    object_id INTEGER NOT NULL,
    used_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, object_id)
) STRICT, WITHOUT ROWID;

-- What happened in each hour since 1970. The histograms are encoded by
-- stats.go.
CREATE TABLE stats (
    hour            INTEGER NOT NULL,
    endpoint_id     INTEGER NOT NULL,
    client_id       INTEGER NOT NULL,
    scope           TEXT    NOT NULL,
    resource_id     INTEGER NOT NULL,
    delivered       INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    latency         BLOB    NOT NULL,
    answer          BLOB    NOT NULL,
    PRIMARY KEY (hour, endpoint_id, client_id, scope, resource_id)
) STRICT, WITHOUT ROWID;

-- due_at is the time of the next check, or the end of the lease while leased.
-- A row whose since is 0 was leased, but never checked.
CREATE TABLE resource_health (
    resource_id INTEGER PRIMARY KEY,
    state       TEXT    NOT NULL,
    failures    INTEGER NOT NULL DEFAULT 0,
    successes   INTEGER NOT NULL DEFAULT 0,
    since       INTEGER NOT NULL DEFAULT 0,
    checked_at  INTEGER NOT NULL DEFAULT 0,
    due_at      INTEGER NOT NULL,
    fence       INTEGER NOT NULL DEFAULT 0,
    leased      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE health_checks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    method      TEXT    NOT NULL,
    manual      INTEGER NOT NULL,
    ok          INTEGER NOT NULL,
    status_code INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    duration    INTEGER NOT NULL,
    state       TEXT    NOT NULL
) STRICT;
CREATE INDEX health_checks_resource ON health_checks (resource_id);

-- An event is due for whoever passes it on in the same way as a task.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    resource_id INTEGER NOT NULL,
    task_id     INTEGER NOT NULL,
    detail      TEXT    NOT NULL,
    status      TEXT    NOT NULL DEFAULT 'pending',
    run_at      INTEGER NOT NULL,
    fence       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_due ON events (run_at) WHERE status = 'pending';

-- +goose Down
DROP TABLE events;
DROP TABLE health_checks;
DROP TABLE resource_health;
DROP TABLE stats;
DROP TABLE token_use;
DROP TABLE sessions;
DROP TABLE audit;
DROP TABLE config_objects;
DROP TABLE idempotency;
DROP TABLE task_log;
DROP TABLE attempts;
DROP TABLE task_minutes;
DROP TABLE tasks;
DROP TABLE meta;
