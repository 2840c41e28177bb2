package config_test

import (
	"strings"
	"testing"
	"time"

	"dispatchapy/internal/config"
)

func TestValidateOIDC(t *testing.T) {
	valid := config.OIDC{
		Issuer: "https://login.example", ClientID: "gateway", RedirectURL: "https://gateway.example/login/oidc/callback", RoleClaim: "groups",
	}
	for name, tc := range map[string]struct {
		change func(*config.OIDC)
		flag   string // that the error names; "": there is none
	}{
		"valid":                   {func(*config.OIDC) {}, ""},
		"none":                    {func(o *config.OIDC) { *o = config.OIDC{RoleClaim: "groups"} }, ""},
		"on the same machine":     {func(o *config.OIDC) { o.Issuer = "http://127.0.0.1:5556/dex" }, ""},
		"not encrypted":           {func(o *config.OIDC) { o.Issuer = "http://login.example" }, "--oidc-issuer"},
		"no URL":                  {func(o *config.OIDC) { o.Issuer = "login.example" }, "--oidc-issuer"},
		"client without issuer":   {func(o *config.OIDC) { o.Issuer = "" }, "--oidc-issuer"},
		"no client":               {func(o *config.OIDC) { o.ClientID = "" }, "--oidc-client-id"},
		"no redirect":             {func(o *config.OIDC) { o.RedirectURL = "" }, "--oidc-redirect-url"},
		"redirect somewhere else": {func(o *config.OIDC) { o.RedirectURL = "https://gateway.example/" }, "--oidc-redirect-url"},
		"no claim":                {func(o *config.OIDC) { o.RoleClaim = "" }, "--oidc-role-claim"},
	} {
		t.Run(name, func(t *testing.T) {
			o := config.Options{Addr: ":8000", DataDir: "data", Grace: time.Second, OIDC: valid}
			tc.change(&o.OIDC)
			err := o.Validate()
			if tc.flag == "" && err != nil || tc.flag != "" && (err == nil || !strings.Contains(err.Error(), tc.flag+":")) {
				t.Errorf("got %v, want an error naming %q", err, tc.flag)
			}
		})
	}
}
