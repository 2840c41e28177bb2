package bench

import (
	"context"
	"fmt"
	"time"
)

// The rows of the report.
const (
	rowNothing       = "nothing stored"
	rowFsync         = "group fsync"
	rowAccept        = "accept alone"
	rowDeliver       = "accept and deliver"
	rowSingleNothing = "one at a time: nothing stored"
	rowSingleFsync   = "one at a time: group fsync"
	rowSingleGateway = "one at a time: gateway"
	rowHealthy       = "beside a healthy provider"
	rowHanging       = "beside a hanging provider"
	rowFailover      = "failover"
	rowEmpty         = "empty database"
	rowStored        = "finished tasks stored"
)

// endpoints of the gateway under test, see gatewayFile.
const (
	endpointDeliver  = "deliver"  // one healthy resource
	endpointAccept   = "accept"   // its only resource is switched off: tasks wait
	endpointFailover = "failover" // the first resource fails every fourth task
	endpointOther    = "other"    // its provider hangs when told to
)

// saturate measures the yardsticks and the gateway with every connection busy.
func (r *run) saturate(ctx context.Context) error {
	for round := range r.Rounds {
		for _, kind := range []struct{ child, row string }{{childNothing, rowNothing}, {childFsync, rowFsync}} {
			if err := r.yardstick(ctx, round, kind.child, kind.row, r.closedLoop("yardstick")); err != nil {
				return err
			}
		}
		if err := r.gateway(ctx, round, rowAccept, r.closedLoop(endpointAccept)); err != nil {
			return err
		}
		if err := r.gateway(ctx, round, rowDeliver, r.closedLoop(endpointDeliver)); err != nil {
			return err
		}
	}
	return nil
}

// single measures with one connection: latency without company.
func (r *run) single(ctx context.Context) error {
	one := func(endpoint string) load {
		l := r.closedLoop(endpoint)
		l.connections = 1
		return l
	}
	for round := range r.Rounds {
		for _, kind := range []struct{ child, row string }{{childNothing, rowSingleNothing}, {childFsync, rowSingleFsync}} {
			if err := r.yardstick(ctx, round, kind.child, kind.row, one("yardstick")); err != nil {
				return err
			}
		}
		if err := r.gateway(ctx, round, rowSingleGateway, one(endpointDeliver)); err != nil {
			return err
		}
	}
	return nil
}

// hang measures one endpoint at a fixed rate, twice on the same gateway, with
// the same load on another endpoint, whose provider hangs the second time.
func (r *run) hang(ctx context.Context) error {
	for round := range r.Rounds {
		if err := r.hangRound(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hangRound(ctx context.Context, round int) error {
	gw, err := r.startGateway(ctx)
	if err != nil {
		return err
	}
	// The hanging tasks would keep a polite stop waiting.
	defer gw.kill()
	defer r.control("release") //nolint:errcheck // a failure shows in the next measurement
	for _, row := range []string{rowHealthy, rowHanging} {
		if row == rowHanging {
			if err := r.control("hang"); err != nil {
				return err
			}
		}
		m, err := r.besideOther(ctx, gw)
		if err != nil {
			return err
		}
		r.report.add(row, m)
		r.note(round, row, m)
	}
	return nil
}

// besideOther loads both endpoints and measures the first.
func (r *run) besideOther(ctx context.Context, gw *process) (Measurement, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	other := r.fixedRate(endpointOther)
	other.unrecorded = true
	ended := make(chan error, 1)
	go func() {
		_, err := other.run(ctx, gw.addr)
		ended <- err
	}()
	m, err := r.measure(ctx, gw, r.fixedRate(endpointDeliver), true)
	cancel()
	if otherErr := <-ended; err == nil && otherErr != nil && ctx.Err() == nil {
		err = otherErr
	}
	return m, err
}

// failover measures the time from the first resource's answer 500 to the
// arrival at the second one.
func (r *run) failover(ctx context.Context) error {
	for round := range r.Rounds {
		if err := r.gateway(ctx, round, rowFailover, r.fixedRate(endpointFailover)); err != nil {
			return err
		}
	}
	return nil
}

// stored compares an empty database with one that holds finished tasks, which
// are put there through the gateway itself.
func (r *run) stored(ctx context.Context) error {
	full, err := r.startGateway(ctx)
	if err != nil {
		return err
	}
	defer full.kill()
	fmt.Fprintf(r.Progress, "storing %d finished tasks\n", r.Preload)
	fill := r.closedLoop(endpointDeliver)
	fill.duration, fill.warmup, fill.limit = 24*time.Hour, 0, int64(r.Preload)
	if _, err := r.measure(ctx, full, fill, true); err != nil {
		return err
	}
	for round := range r.Rounds {
		if err := r.gateway(ctx, round, rowEmpty, r.closedLoop(endpointDeliver)); err != nil {
			return err
		}
		m, err := r.measure(ctx, full, r.closedLoop(endpointDeliver), true)
		if err != nil {
			return err
		}
		r.report.add(rowStored, m)
		r.note(round, rowStored, m)
	}
	return full.stop()
}

func (r *run) closedLoop(endpoint string) load {
	return load{
		endpoint: endpoint, token: r.token, bodyBytes: r.BodyBytes, connections: r.Connections,
		warmup: r.Warmup, duration: r.Duration, raw: r.RawClient,
	}
}

func (r *run) fixedRate(endpoint string) load {
	l := r.closedLoop(endpoint)
	l.rate = r.Rate
	return l
}

// yardstick measures a fresh process of the kind.
func (r *run) yardstick(ctx context.Context, round int, kind, row string, l load) error {
	p, err := r.startChild(ctx, kind, "--dir", r.dir)
	if err != nil {
		return err
	}
	defer p.kill()
	m, err := r.measure(ctx, p, l, false)
	if err != nil {
		return err
	}
	r.report.add(row, m)
	r.note(round, row, m)
	return nil
}

// gateway measures a fresh gateway with an empty database.
func (r *run) gateway(ctx context.Context, round int, row string, l load) error {
	gw, err := r.startGateway(ctx)
	if err != nil {
		return err
	}
	defer gw.kill()
	m, err := r.measure(ctx, gw, l, l.endpoint != endpointAccept)
	if err != nil {
		return err
	}
	r.report.add(row, m)
	r.note(round, row, m)
	return gw.stop()
}
