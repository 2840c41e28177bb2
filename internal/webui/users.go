package webui

import (
	"net/http"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/people"
)

func (ui *UI) peopleRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/settings/users", userAdmins, ui.showUsers},
		{get, "/settings/users/new", userAdmins, ui.showNewUser},
		{post, "/settings/users/new", userAdmins, ui.createUser},
		{get, "/settings/users/{id}", userAdmins, ui.showUser},
		{post, "/settings/users/{id}", userAdmins, ui.saveUser},
		{get, "/settings/users/{id}/delete", userAdmins, ui.showDeleteUser},
		{post, "/settings/users/{id}/delete", userAdmins, ui.deleteUser},
		{get, "/settings/tokens", userAdmins, ui.showTokens},
		{get, "/settings/tokens/new", userAdmins, ui.showNewToken},
		{post, "/settings/tokens/new", userAdmins, ui.createToken},
		{get, "/settings/tokens/{id}", userAdmins, ui.showToken},
		{post, "/settings/tokens/{id}", userAdmins, ui.saveToken},
		{get, "/settings/tokens/{id}/delete", userAdmins, ui.showDeleteToken},
		{post, "/settings/tokens/{id}/delete", userAdmins, ui.deleteToken},
	}
}

// usersPage lists who signs in.
type usersPage struct {
	Shell
	settingsFrame
	Users []people.User
}

func (ui *UI) showUsers(c *call) error {
	users, err := ui.people.ListUsers(c.ctx(), c.who)
	if err != nil {
		return err
	}
	return c.show("users", c.t("Users"), &usersPage{settingsFrame: c.frame("/settings/users"), Users: users})
}

// userPage is the form of a user.
type userPage struct {
	Shell
	settingsFrame
	Form *Form
	User people.User // zero for one that is still to be made
}

// New reports whether the user is still to be made.
func (p *userPage) New() bool { return p.User.ID == 0 }

// Self reports whether it is whoever looks.
func (p *userPage) Self() bool { return p.User.ID == p.Who.UserID }

func (ui *UI) userForm(c *call, user people.User, form *Form) error {
	title := user.Name
	if user.ID == 0 {
		title = c.t("New user")
	}
	return c.showStatus(form.Status(), "user", title, &userPage{settingsFrame: c.frame("/settings/users"), Form: form, User: user})
}

func (ui *UI) showNewUser(c *call) error {
	form := c.newForm(nil)
	form.Set("role", string(dispatchapy.RoleOperator))
	return ui.userForm(c, people.User{}, form)
}

func (ui *UI) createUser(c *call) error {
	form := c.form()
	user, err := ui.people.CreateUser(c.ctx(), c.who, people.NewUser{
		Name: strings.TrimSpace(form.Value("name")), Password: dispatchapy.Secret(form.Value("password")), Role: dispatchapy.Role(form.Value("role")),
	})
	if form.Take(err) {
		return ui.userForm(c, people.User{}, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} can sign in now.", "name", user.Name)
	return c.redirect("/settings/users")
}

func (ui *UI) userOf(c *call) (people.User, error) {
	id, err := c.id()
	if err != nil {
		return people.User{}, err
	}
	return ui.people.User(c.ctx(), c.who, id)
}

func (ui *UI) showUser(c *call) error {
	user, err := ui.userOf(c)
	if err != nil {
		return err
	}
	form := c.newForm(nil)
	form.Set("name", user.Name)
	form.Set("role", string(user.Role))
	form.SetOn("active", user.Active)
	form.Set("version", strconv.FormatInt(user.Version, 10))
	return ui.userForm(c, user, form)
}

func (ui *UI) saveUser(c *call) error {
	user, err := ui.userOf(c)
	if err != nil {
		return err
	}
	form := c.form()
	name, role, active := strings.TrimSpace(form.Value("name")), dispatchapy.Role(form.Value("role")), form.On("active")
	edit := people.UserEdit{Name: &name, Role: &role, Active: &active}
	if password := dispatchapy.Secret(form.Value("password")); password != "" {
		edit.Password = &password
	}
	edited, err := ui.people.EditUser(c.ctx(), c.who, user.ID, form.Version(), edit)
	if form.Take(err) {
		return ui.userForm(c, user, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} was saved.", "name", edited.Name)
	return c.redirect("/settings/users")
}

// gonePage asks before somebody or something is deleted that nothing depends on.
type gonePage struct {
	Shell
	settingsFrame
	Form  *Form
	Name  string
	Back  string // the list
	Texts []string
}

func (ui *UI) showDeleteUser(c *call) error {
	user, err := ui.userOf(c)
	if err != nil {
		return err
	}
	return ui.deleteUserForm(c, user, c.newForm(nil))
}

func (ui *UI) deleteUserForm(c *call, user people.User, form *Form) error {
	status := form.Status()
	form.Clash = nil
	form.Set("version", strconv.FormatInt(user.Version, 10))
	return c.showStatus(status, "gone", c.t("Delete {name}", "name", user.Name), &gonePage{
		settingsFrame: c.frame("/settings/users"), Form: form, Name: user.Name, Back: "/settings/users",
		Texts: []string{c.t("The user is signed out everywhere and cannot sign in any more."), c.t("What the user did stays in the activity log.")},
	})
}

func (ui *UI) deleteUser(c *call) error {
	user, err := ui.userOf(c)
	if err != nil {
		return err
	}
	form := c.form()
	err = ui.people.DeleteUser(c.ctx(), c.who, user.ID, form.Version())
	if form.Take(err) {
		return ui.deleteUserForm(c, user, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} was deleted.", "name", user.Name)
	return c.redirect("/settings/users")
}
