package dispatchapy

// Role is what a principal may do.
type Role string

// The roles.
const (
	RoleAdmin    Role = "admin"    // everything
	RoleOperator Role = "operator" // tasks and health checks; no configuration
	RoleViewer   Role = "viewer"   // looks, and changes nothing
	RoleClient   Role = "client"   // its own tasks and endpoints
)

// StaffRoles are the roles of people and programs that run the gateway.
var StaffRoles = []Role{RoleAdmin, RoleOperator, RoleViewer}

// Permission is something that a role may do. What a client may do is further
// limited to what is its own.
type Permission string

// The permissions.
const (
	ReadTasks       Permission = "read tasks"
	ActOnTasks      Permission = "act on tasks"       // retry, stop, send, delete, resend
	ReadConfig      Permission = "read configuration" // secrets masked
	ReadSettings    Permission = "read settings"
	WriteConfig     Permission = "change configuration"        // and try it out
	WriteDev        Permission = "change development settings" // of a client; a client its own
	ReadSecrets     Permission = "read secrets"                // an export with secrets in it
	CheckHealth     Permission = "check health"
	ReadEvents      Permission = "read events"      // and incidents
	HandleIncidents Permission = "handle incidents" // acknowledge, note
	ReadAudit       Permission = "read the audit log"
	ManageUsers     Permission = "manage users and tokens"
)

// permissions is the whole of who may do what.
var permissions = map[Role][]Permission{
	RoleAdmin:    {ReadTasks, ActOnTasks, ReadConfig, ReadSettings, WriteConfig, WriteDev, ReadSecrets, CheckHealth, ReadEvents, HandleIncidents, ReadAudit, ManageUsers},
	RoleOperator: {ReadTasks, ActOnTasks, ReadConfig, ReadSettings, CheckHealth, ReadEvents, HandleIncidents},
	RoleViewer:   {ReadTasks, ReadConfig, ReadSettings, ReadEvents},
	RoleClient:   {ReadTasks, ActOnTasks, ReadConfig, WriteDev},
}

// Principal is who asks. The zero value may do nothing.
type Principal struct {
	Name     string // for the audit log
	Role     Role
	ClientID int64 // for RoleClient
	UserID   int64 // for a user who signed in; 0 for a token
}

// May reports whether the principal's role has the permission.
func (p Principal) May(permission Permission) bool {
	if !p.Known() {
		return false
	}
	for _, granted := range permissions[p.Role] {
		if granted == permission {
			return true
		}
	}
	return false
}

// Require gives nil if the principal has the permission, else an error that
// says why not. What a client may do is further limited by the caller, to what
// is its own.
func (p Principal) Require(permission Permission) error {
	if p.May(permission) {
		return nil
	}
	if !p.Known() {
		return Errorf(CodeUnauthenticated, "a valid API token is needed")
	}
	return Errorf(CodeForbidden, "the role %s may not %s", p.Role, permission)
}

// Known reports whether the principal is somebody at all.
func (p Principal) Known() bool {
	return p.IsStaff() || p.Role == RoleClient && p.ClientID > 0
}

// IsAdmin reports whether the principal may do everything.
func (p Principal) IsAdmin() bool { return p.Role == RoleAdmin }

// IsStaff reports whether the principal sees the whole gateway, rather than
// what belongs to one client.
func (p Principal) IsStaff() bool {
	return p.Role == RoleAdmin || p.Role == RoleOperator || p.Role == RoleViewer
}
