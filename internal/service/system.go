package service

import (
	"context"
	"time"

	"dispatchapy"
)

// Machine is what the process knows of itself and of where its data is.
type Machine struct {
	Started       time.Time
	Go            string // version
	Platform      string // like linux/amd64
	Memory        uint64 // bytes that the process has from the system
	DatabaseBytes int64  // with its write-ahead log
	FreeBytes     uint64 // of the disk with the database
	FreeKnown     bool
	Accepting     bool // messages are taken
}

// System is what is safe to know of a running gateway.
type System struct {
	Machine
	ConfigVersion                 int64
	Resources, Endpoints, Clients int
}

// System says what runs here.
func (s *Service) System(_ context.Context, p dispatchapy.Principal) (System, error) {
	if err := require(p, dispatchapy.ReadSettings); err != nil {
		return System{}, err
	}
	cfg := s.table.Load().Config
	out := System{ConfigVersion: cfg.Version, Resources: len(cfg.Resources), Endpoints: len(cfg.Endpoints), Clients: len(cfg.Clients)}
	if s.machine != nil {
		out.Machine = s.machine()
	}
	return out, nil
}
