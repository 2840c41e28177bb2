package webui

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"dispatchapy"
)

// view is a query with a name.
type view struct {
	Name    string
	Path    string
	Current bool
	Key     string // of the preference that it is kept in; "": everybody has it
}

// builtInViews are queries that everybody has.
var builtInViews = map[string]string{
	"failed": "status:failed since:today",
	"held":   "status:held",
	"stuck":  "status:queued,retrying,waiting until:5m",
}

// savedView is what is kept of a view.
type savedView struct {
	Name  string `json:"name"`
	Query string `json:"query"`
}

// viewPrefix begins the names of the preferences that hold views.
const viewPrefix = "view."

// viewKey names the preference for a view, so that there is one of each name.
func viewKey(name string) string {
	hash := sha256.Sum256([]byte(strings.ToLower(name)))
	return viewPrefix + hex.EncodeToString(hash[:8])
}

const maxViewName = 60 // characters

func (p *tasksPage) addViews(c *call) error {
	for _, v := range []struct{ name, query string }{
		{c.t("Failed today"), builtInViews["failed"]}, {c.t("Held"), builtInViews["held"]}, {c.t("Stuck for more than 5 min"), builtInViews["stuck"]},
	} {
		p.addView(v.name, v.query, "")
	}
	saved, err := c.ui.service.Preferences(c.ctx(), c.who)
	if err != nil {
		return err
	}
	for _, preference := range saved {
		var v savedView
		if strings.HasPrefix(preference.Name, viewPrefix) && json.Unmarshal(preference.Value, &v) == nil {
			p.addView(v.Name, v.Query, preference.Name)
		}
	}
	return nil
}

func (p *tasksPage) addView(name, text, key string) {
	q, _ := parseQuery(text)
	p.Views = append(p.Views, view{Name: name, Path: tasksPath(q, place{}), Current: q.String() == p.Query.String(), Key: key})
}

// changeViews keeps a query under a name, or forgets one.
func (ui *UI) changeViews(c *call) error {
	form := c.form()
	if key := form.Value("forget"); key != "" {
		return ui.forgetView(c, key, form)
	}
	name := strings.Join(strings.Fields(form.Value("name")), " ")
	q, faults := parseQuery(form.Value("q"))
	back := tasksPath(q, place{})
	switch {
	case len(faults) > 0 || q.Empty():
		c.say(toast{Text: c.t("A view needs a search that can be read."), Tone: "warn"})
		return c.redirect(back)
	case name == "" || utf8.RuneCountInString(name) > maxViewName:
		c.say(toast{Text: c.t("A view needs a name of at most {n} characters.", "n", maxViewName), Tone: "warn"})
		return c.redirect(back)
	}
	value, err := json.Marshal(savedView{name, q.String()})
	if err != nil {
		return err
	}
	if _, err = ui.service.SetPreference(c.ctx(), c.who, viewKey(name), value); dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict {
		c.say(toast{Text: c.said(err), Tone: "warn"}) // there are too many
		return c.redirect(back)
	}
	if err != nil {
		return err
	}
	c.done("The view “{name}” is saved.", "name", name)
	return c.redirect(back)
}

// forgetView deletes a saved view, which can be taken back.
func (ui *UI) forgetView(c *call, key string, form *Form) error {
	if !strings.HasPrefix(key, viewPrefix) {
		return errNowhere
	}
	kept, err := ui.service.Preference(c.ctx(), c.who, key)
	if err != nil {
		return err
	}
	if err := ui.service.DeletePreference(c.ctx(), c.who, key); err != nil {
		return err
	}
	var v savedView
	message := toast{Text: c.t("The view is deleted.")}
	if json.Unmarshal(kept.Value, &v) == nil {
		message.Text = c.t("The view “{name}” is deleted.", "name", v.Name)
		message.Undo = &undo{Action: "/tasks/views", Fields: map[string][]string{"name": {v.Name}, "q": {v.Query}}}
	}
	c.say(message)
	q, _ := parseQuery(form.Value("q"))
	return c.redirect(tasksPath(q, place{}))
}
