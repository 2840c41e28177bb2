package original_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/original"
)

// schema has the tables and columns of version 1.2.1. Its constraints are left
// out, so that tests can put anything anywhere.
const schema = `
CREATE TABLE resources (id INTEGER PRIMARY KEY, name VARCHAR, endpoint VARCHAR, headers JSON, required_params JSON,
	is_active BOOLEAN, healthy BOOLEAN, last_checked DATETIME, next_health_check_at DATETIME, is_health_check_enabled BOOLEAN,
	health_check_test_values JSON, health_check_method VARCHAR, health_check_interval_min INTEGER, health_check_interval_max INTEGER,
	send_failure_email BOOLEAN, notification_email TEXT, notification_subject VARCHAR, notification_template TEXT,
	send_failure_webhook BOOLEAN, failure_webhook_url VARCHAR, failure_webhook_headers JSON, failure_webhook_payload JSON,
	latest_health_check_result JSON, created_at DATETIME);
CREATE TABLE endpoints (id INTEGER PRIMARY KEY, path VARCHAR, description VARCHAR, required_params JSON,
	is_development_mode BOOLEAN, dev_hold_tasks BOOLEAN, dev_rules_enabled BOOLEAN, is_active BOOLEAN, dev_values JSON, created_at DATETIME);
CREATE TABLE parameter_rules (id INTEGER PRIMARY KEY, endpoint_id INTEGER, resource_id INTEGER, target_key VARCHAR,
	source_type VARCHAR, source_value VARCHAR, created_at DATETIME);
CREATE TABLE development_rules (id INTEGER PRIMARY KEY, endpoint_id INTEGER, condition_param VARCHAR, condition_value VARCHAR,
	target_param VARCHAR, override_value VARCHAR);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, client_name VARCHAR, ref_id VARCHAR, scope VARCHAR, endpoint_id INTEGER,
	endpoint_path VARCHAR, source_payload JSON, target_payload JSON, client_id INTEGER, resource_id INTEGER, resource_name VARCHAR,
	status VARCHAR, attempts INTEGER, retry_count INTEGER, max_retries INTEGER, delay INTEGER, last_error TEXT,
	created_at DATETIME, updated_at DATETIME);
CREATE TABLE task_logs (id INTEGER PRIMARY KEY, task_id INTEGER, message TEXT, created_at DATETIME);
CREATE TABLE logs (id INTEGER PRIMARY KEY, task_id INTEGER, created_at DATETIME, message TEXT);
CREATE TABLE clients (id INTEGER PRIMARY KEY, name VARCHAR, token VARCHAR, endpoint_id INTEGER, is_dev_client BOOLEAN,
	dev_hold_tasks BOOLEAN, dev_rules_enabled BOOLEAN, description VARCHAR, created_at DATETIME);
CREATE TABLE client_dev_rules (id INTEGER PRIMARY KEY, client_id INTEGER, endpoint_id INTEGER, condition_param VARCHAR,
	condition_value VARCHAR, target_param VARCHAR, override_value VARCHAR, active BOOLEAN, created_at DATETIME);
CREATE TABLE health_check_logs (id INTEGER PRIMARY KEY, resource_id INTEGER, created_at DATETIME, is_success BOOLEAN,
	status_code INTEGER, response_text TEXT, notification_status VARCHAR, method VARCHAR);
CREATE TABLE settings ("key" VARCHAR PRIMARY KEY, value VARCHAR);
CREATE TABLE endpoint_resource_links (id INTEGER PRIMARY KEY, endpoint_id INTEGER, resource_id INTEGER, sequence INTEGER);
CREATE TABLE endpoint_client_links (id INTEGER PRIMARY KEY, endpoint_id INTEGER, client_id INTEGER);
CREATE TABLE task_attempt_logs (id INTEGER PRIMARY KEY, task_id INTEGER, resource_id INTEGER, resource_name VARCHAR,
	attempt_at DATETIME, status VARCHAR, details TEXT);
CREATE INDEX attempts_by_task ON task_attempt_logs (task_id);
CREATE INDEX logs_by_task ON logs (task_id);
`

// tidy is a gateway in which nothing needs mending.
const tidy = `
INSERT INTO settings VALUES ('smtp_server','mail.example.com'),('smtp_port','465'),('smtp_username','mailer'),
	('smtp_password','planted-smtp'),('email_from','gw@example.com'),('smtp_encryption','ssl'),('max_failure_attempts','3'),
	('task_delay_min','0'),('task_delay_max','2'),('enable_task_cleanup','true'),('task_cleanup_days','14');
INSERT INTO resources VALUES
	(1,'sms','https://sms.example.com/send?key=planted-query','{"X-Key": "planted-header"}','["to", "text", "id"]',1,1,NULL,NULL,1,
	 '{"to": "0", "text": "ping {datetime}", "id": {"deep": [1, "x"]}}','actual',60,120,
	 1,'ops@example.com, On Call <call@example.com>','{resource_name} is down','Look at {resource_endpoint}.` + "\r\n" + `Now.',
	 1,'https://hooks.example.com/x','{"X-Hook": "planted-hook"}','{"text": "{resource_name} is down"}','null','2026-01-01 00:00:00'),
	(2,'chat','http://chat.example.com/post','null','["body"]',0,0,NULL,NULL,0,'null','simple',5,5,
	 0,NULL,'Dispatchapy Alert: Resource "{resource_name}" is DOWN','Default.',0,NULL,'null','null','null','2026-01-01 00:00:00');
INSERT INTO endpoints VALUES
	(1,'send_sms','Send one text','["ref", "scope", "phone"]',1,0,1,1,NULL,'2026-01-01 00:00:00'),
	(2,'team/notify',NULL,'[]',0,1,0,0,'null','2026-01-01 00:00:00');
INSERT INTO endpoint_resource_links VALUES (1,1,1,1),(2,1,2,0),(3,2,2,0);
INSERT INTO parameter_rules VALUES
	(1,1,1,'to','from_source','phone','2026-01-01 00:00:00'),(2,1,1,'text','from_source','message','2026-01-01 00:00:00'),
	(3,1,1,'id','generate_uuid',NULL,'2026-01-01 00:00:00'),(4,1,2,'body','from_source','message','2026-01-01 00:00:00');
INSERT INTO development_rules VALUES (1,1,'scope','^staging$','phone','+100'),(2,1,NULL,NULL,'flag','yes');
INSERT INTO clients VALUES
	(1,'shop','dpy_planted-token-of-the-shop',NULL,0,1,1,'The shop','2026-01-01 00:00:00'),
	(2,'crm','dpy_planted-token-of-the-crm',NULL,0,0,0,NULL,'2026-01-01 00:00:00');
INSERT INTO endpoint_client_links VALUES (1,1,1),(2,2,1),(3,1,2);
INSERT INTO client_dev_rules VALUES (1,1,NULL,'phone',NULL,'phone','+200',1,'2026-01-01 00:00:00'),
	(2,1,NULL,NULL,NULL,'note',NULL,0,'2026-01-01 00:00:00');
INSERT INTO health_check_logs VALUES (1,1,'2026-01-02 00:00:00',0,500,'Internal error','email sent','actual'),
	(2,2,'2026-01-02 00:00:30',0,NULL,'tcp_error:[Errno 111] Connection refused',NULL,'simple'),
	(3,1,'2026-01-02 00:01:00',1,200,'{"ok": true}',NULL,'actual');
`

// planted are the secrets of tidy.
var planted = []string{"planted-smtp", "planted-query", "planted-header", "planted-hook", "planted-token", "planted-password"}

// database makes a file of the original's.
func database(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	change(t, path, slices.Insert(statements, 0, schema)...)
	return path
}

func change(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range slices.Insert(statements, 0, "PRAGMA synchronous = OFF") {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func read(t testing.TB, path string) *original.Import {
	t.Helper()
	im, err := original.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func tasks(t testing.TB, im *original.Import) []original.Task {
	t.Helper()
	var all []original.Task
	for task, err := range im.Tasks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, task)
	}
	return all
}

func hash(token string) string { return dispatchapy.HashToken(token).String() }
