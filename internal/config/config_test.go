package config_test

import (
	"strings"
	"testing"
	"time"

	"dispatchapy/internal/config"
)

func TestValidate(t *testing.T) {
	valid := config.Options{Addr: ":8000", DataDir: "data", Grace: time.Second}
	if err := valid.Validate(); err != nil {
		t.Fatalf("valid options: %v", err)
	}
	for name, tc := range map[string]struct {
		change func(*config.Options)
		flag   string
	}{
		"address without port": {func(o *config.Options) { o.Addr = "localhost" }, "--addr"},
		"no data directory":    {func(o *config.Options) { o.DataDir = "" }, "--data-dir"},
		"negative grace":       {func(o *config.Options) { o.Grace = -1 }, "--grace"},
		"PostgreSQL":           {func(o *config.Options) { o.DatabaseURL = "postgres://db/x" }, "--database-url"},
		"proxy by name":        {func(o *config.Options) { o.TrustedProxies = []string{"proxy"} }, "--trusted-proxies"},
		"unknown database":     {func(o *config.Options) { o.DatabaseURL = "mysql://db/x" }, "--database-url"},
	} {
		t.Run(name, func(t *testing.T) {
			o := valid
			tc.change(&o)
			if err := o.Validate(); err == nil || !strings.Contains(err.Error(), tc.flag) {
				t.Errorf("got %v, want an error naming %s", err, tc.flag)
			}
		})
	}
}
