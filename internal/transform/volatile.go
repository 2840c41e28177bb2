package transform

// Volatile lists the target keys, sorted, whose value depends on more than the
// payload: generated UUIDs, which differ from task to task, and times, which
// differ from attempt to attempt.
func (m *Mapping) Volatile() []string {
	if m == nil {
		return nil
	}
	return volatile(nil, m.nodes)
}

func volatile(out []string, nodes []node) []string {
	for i := range nodes {
		switch nodes[i].source.(type) {
		case nil:
			out = volatile(out, nodes[i].children)
		case uuidSource, nowSource:
			out = append(out, nodes[i].target)
		}
	}
	return out
}
