package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"dispatchapy"
	"dispatchapy/internal/intake"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// metrics are what /metrics shows. Labels come from the configuration only,
// never from clients or tasks, so that their number is bounded.
type metrics struct {
	registry *prometheus.Registry

	accepted    prometheus.Counter
	rejected    *prometheus.CounterVec
	delivered   prometheus.Counter
	failed      prometheus.Counter
	attempts    *prometheus.CounterVec
	notified    *prometheus.CounterVec
	accept      prometheus.Histogram
	delivery    prometheus.Histogram
	batchSize   prometheus.Histogram
	batchCommit prometheus.Histogram

	lastUnavailable atomic.Int64 // Unix nanoseconds
}

func newMetrics() *metrics {
	latency := prometheus.ExponentialBuckets(0.0005, 2, 18) // 0.5 ms to 65 s
	m := &metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dispatchapy_tasks_accepted_total", Help: "Tasks made durable and acknowledged."}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dispatchapy_requests_rejected_total", Help: "Requests to /api/ that were refused."}, []string{"reason"}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dispatchapy_tasks_delivered_total", Help: "Tasks that a resource accepted."}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dispatchapy_tasks_failed_total", Help: "Tasks given up."}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dispatchapy_attempts_total", Help: "Requests to resources."}, []string{"resource", "outcome"}),
		notified: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dispatchapy_notifications_total", Help: "What became of messages to people; pending: of attempts that are followed by another."}, []string{"via", "status"}),
		accept: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dispatchapy_accept_seconds", Help: "Time to acknowledge a task.", Buckets: latency}),
		delivery: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dispatchapy_accept_to_delivered_seconds", Help: "Time from acceptance to delivery.",
			Buckets: prometheus.ExponentialBuckets(0.001, 3, 18)}),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dispatchapy_store_batch_operations", Help: "Operations in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		batchCommit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dispatchapy_store_commit_seconds", Help: "Time to run and sync one commit.", Buckets: latency}),
	}
	for _, reason := range intake.Reasons {
		m.rejected.WithLabelValues(reason) // shown at 0, so that an alert can tell it from unknown
	}
	for _, status := range []dispatchapy.NotificationStatus{
		dispatchapy.NotificationSent, dispatchapy.NotificationPending, dispatchapy.NotificationFailed, dispatchapy.NotificationDropped,
	} {
		m.notified.WithLabelValues(string(dispatchapy.ViaEmail), string(status))
		m.notified.WithLabelValues(string(dispatchapy.ViaWebhook), string(status))
	}
	m.registry.MustRegister(m.accepted, m.rejected, m.delivered, m.failed, m.attempts, m.notified, m.accept, m.delivery,
		m.batchSize, m.batchCommit,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Accepted and Rejected observe the intake.
func (m *metrics) Accepted(d time.Duration) {
	m.accepted.Inc()
	m.accept.Observe(d.Seconds())
}

func (m *metrics) Rejected(reason string) {
	m.rejected.WithLabelValues(reason).Inc()
	if reason == intake.ReasonUnavailable {
		m.lastUnavailable.Store(time.Now().UnixNano())
	}
}

// turnedAway reports whether a task had to be turned away with 503 within the
// last d.
func (m *metrics) turnedAway(d time.Duration) bool {
	return time.Now().UnixNano()-m.lastUnavailable.Load() < int64(d)
}

// Attempt and Finished observe the dispatcher.
func (m *metrics) Attempt(resource string, a dispatchapy.Attempt) {
	m.attempts.WithLabelValues(resource, string(a.Outcome)).Inc()
}

func (m *metrics) Finished(status dispatchapy.Status, since time.Duration) {
	if status != dispatchapy.StatusSuccess {
		m.failed.Inc()
		return
	}
	m.delivered.Inc()
	m.delivery.Observe(since.Seconds())
}

// toldObserver counts what people are told, and has pages look again that show
// it.
type toldObserver struct {
	*metrics
	publish func(dispatchapy.Change)
}

// Notified implements notify.Observer.
func (o toldObserver) Notified(via dispatchapy.Via, status dispatchapy.NotificationStatus) {
	o.metrics.Notified(via, status)
	o.publish(dispatchapy.Change{Kind: dispatchapy.ChangeIncident})
}

// Notified observes what people are told.
func (m *metrics) Notified(via dispatchapy.Via, status dispatchapy.NotificationStatus) {
	m.notified.WithLabelValues(string(via), string(status)).Inc()
}

func (m *metrics) committed(s store.BatchStats) {
	m.batchSize.Observe(float64(s.Ops))
	m.batchCommit.Observe(s.Took.Seconds())
}

// stateCollector reads the gauges when they are asked for.
type stateCollector struct {
	table     *routing.Table
	available *routing.Availability
	inFlight  func() map[int64]int
	backlog   func(context.Context) ([]store.LaneBacklog, error)
	// notifications and open incidents are few, and counted whenever anybody asks.
	notifications func(context.Context) (store.NotificationBacklog, error)
	incidents     func(context.Context, store.IncidentQuery) ([]dispatchapy.Incident, error)
	log           *slog.Logger

	// The backlog is counted at most every backlogAge, however often anybody
	// asks: it costs in proportion to what waits.
	mu      sync.Mutex
	counted time.Time
	lanes   []store.LaneBacklog
}

const backlogAge = 5 * time.Second

var (
	laneDepth  = prometheus.NewDesc("dispatchapy_lane_tasks", "Tasks waiting or being sent.", []string{"endpoint"}, nil)
	laneSlots  = prometheus.NewDesc("dispatchapy_lane_in_flight", "Tasks being sent by this node.", []string{"endpoint"}, nil)
	laneOldest = prometheus.NewDesc("dispatchapy_lane_oldest_seconds", "Age of the oldest task that is not finished.", []string{"endpoint"}, nil)
	healthUp   = prometheus.NewDesc("dispatchapy_resource_health", "1 for the state that the health checks give.", []string{"resource", "state"}, nil)
	planned    = prometheus.NewDesc("dispatchapy_resource_maintenance", "1 while the resource is in maintenance.", []string{"resource"}, nil)
	incidents  = prometheus.NewDesc("dispatchapy_incidents_open", "Open incidents, by the kind of the event that opened them.", []string{"kind"}, nil)
	unclaimed  = prometheus.NewDesc("dispatchapy_incidents_unacknowledged", "Those of them that nobody has acknowledged.", nil, nil)
	toldLater  = prometheus.NewDesc("dispatchapy_notifications_waiting", "Messages to people that wait or are being sent.", nil, nil)
	toldOldest = prometheus.NewDesc("dispatchapy_notifications_oldest_seconds", "Age of the oldest of them.", nil, nil)
	unplanned  = prometheus.NewDesc("dispatchapy_events_unplanned", "Events of which it is not known yet who is to be told.", nil, nil)
	breaker    = prometheus.NewDesc("dispatchapy_resource_breaker", "1 for the state of the circuit breaker on this node.", []string{"resource", "state"}, nil)
)

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{laneDepth, laneSlots, laneOldest, healthUp, breaker, planned, incidents, unclaimed, toldLater, toldOldest, unplanned} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	snapshot := c.table.Load()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	depth, oldest := map[int64]int{}, map[int64]float64{}
	for _, lane := range c.countBacklog() {
		depth[lane.EndpointID] = lane.Tasks
		oldest[lane.EndpointID] = max(time.Since(lane.Oldest).Seconds(), 0)
	}
	inFlight := c.inFlight()
	for _, e := range snapshot.Endpoints {
		gauge(laneDepth, float64(depth[e.ID]), e.Path)
		gauge(laneSlots, float64(inFlight[e.ID]), e.Path)
		gauge(laneOldest, oldest[e.ID], e.Path)
	}
	for _, r := range snapshot.Resources {
		gauge(healthUp, 1, r.Name, string(c.available.Health(r.ID).State))
		gauge(breaker, 1, r.Name, string(c.available.Breaker(r.ID)))
		_, in := r.InMaintenance(time.Now())
		gauge(planned, map[bool]float64{true: 1}[in], r.Name)
	}
	c.collectIncidents(gauge)
	c.collectTold(gauge)
}

// lasting are the kinds of events that open incidents.
var lasting = []dispatchapy.EventKind{
	dispatchapy.EventResourceDown, dispatchapy.EventResourceSaturated, dispatchapy.EventBreakerOpen, dispatchapy.EventCertificateExpiring,
	dispatchapy.EventEndpointOnBackup, dispatchapy.EventEndpointDown, dispatchapy.EventBacklogOld, dispatchapy.EventFailuresHigh,
}

// maxCounted is how many open incidents are counted.
const maxCounted = 10_000

func (c *stateCollector) collectIncidents(gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogAge)
	defer cancel()
	isOpen := true
	open, err := c.incidents(ctx, store.IncidentQuery{Open: &isOpen, Limit: maxCounted})
	if err != nil {
		c.log.Warn("incidents could not be counted", "error", err)
		return
	}
	counts, waiting := map[dispatchapy.EventKind]int{}, 0
	for _, kind := range lasting {
		counts[kind] = 0 // shown, so that an alert can tell it from unknown
	}
	for _, i := range open {
		counts[i.Kind]++
		if i.AcknowledgedBy == "" {
			waiting++
		}
	}
	for kind, n := range counts {
		gauge(incidents, float64(n), string(kind))
	}
	gauge(unclaimed, float64(waiting))
}

func (c *stateCollector) collectTold(gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogAge)
	defer cancel()
	told, err := c.notifications(ctx)
	if err != nil {
		c.log.Warn("notifications could not be counted", "error", err)
		return
	}
	gauge(toldLater, float64(told.Waiting))
	gauge(unplanned, float64(told.Events))
	age := 0.0
	if !told.Oldest.IsZero() {
		age = max(time.Since(told.Oldest).Seconds(), 0)
	}
	gauge(toldOldest, age)
}

// countBacklog gives the backlog, a few seconds old at most. If it cannot be
// read the last one stands.
func (c *stateCollector) countBacklog() []store.LaneBacklog {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.counted) < backlogAge {
		return c.lanes
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogAge)
	defer cancel()
	lanes, err := c.backlog(ctx)
	if err != nil {
		c.log.Warn("backlog could not be counted", "error", err)
		return c.lanes
	}
	c.lanes, c.counted = lanes, time.Now()
	return lanes
}
