package webui

// Routes lists the pages as "METHOD path", for the authorisation matrix.
func Routes() []string {
	var out []string
	for _, r := range (&UI{}).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}
