package transform

import (
	"strings"
	"testing"
	"time"
)

const typicalPayload = `{"ref":"r-20260102-000017","scope":"prod","phone":"+6281234567890","message":"Your code is 481516. It is valid for 10 minutes.","amount":9223372036854775807,"customer":{"id":42,"name":"A. Customer","tags":["new","web"]}}`

const typicalMapping = `{"to":{"from":"phone"},"text":{"template":"{{message}} ({{ref}})"},"id":{"uuid":true},"meta.amount":{"from":"amount"},"meta.customer":{"from":"customer.id","type":"string"},"at":{"now":true},"kind":{"value":"sms"}}`

func BenchmarkParse(b *testing.B) {
	raw := []byte(typicalPayload)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	large := strings.TrimSuffix(typicalPayload, "}") + `,"attachment":"` + strings.Repeat("0123456789abcdef", 4096) + `"}`
	for _, bm := range []struct{ name, payload, mapping string }{
		{"typical", typicalPayload, typicalMapping},
		{"copies", typicalPayload, `{"to":{"from":"phone"},"text":{"from":"message"},"id":{"from":"ref"}}`},
		{"passed through", typicalPayload, `{}`},
		{"64 KiB value", large, `{"to":{"from":"phone"},"file":{"from":"attachment"}}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p, m := parse(b, bm.payload), compile(b, bm.mapping)
			env := Env{Now: time.Now()}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Apply(p, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOverride(b *testing.B) {
	p := parse(b, typicalPayload)
	rules := compileRules(b, `[{"if":{"param":"phone","matches":"^\\+62"},"set":{"param":"phone","value":"000"}},{"set":{"param":"customer.name","value":"test"}}]`)
	b.ReportAllocs()
	for b.Loop() {
		p.Override(rules, nil)
	}
}
