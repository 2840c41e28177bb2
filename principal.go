package dispatchapy

// Role is what a principal may do.
type Role string

// The roles.
const (
	RoleAdmin  Role = "admin"  // everything
	RoleClient Role = "client" // its own tasks and endpoints
)

// Principal is who asks. The zero value may do nothing.
type Principal struct {
	Name     string // for the audit log
	Role     Role
	ClientID int64 // for RoleClient
}

// IsAdmin reports whether the principal may do everything.
func (p Principal) IsAdmin() bool { return p.Role == RoleAdmin }
