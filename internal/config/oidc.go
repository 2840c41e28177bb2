package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// OIDC are the options of sign in by OpenID Connect. Without an issuer there
// is none.
type OIDC struct {
	Issuer       string   `help:"OpenID Connect provider that people may sign in with, e.g. https://login.example.org; empty: none." env:"DISPATCHAPY_OIDC_ISSUER"`
	ClientID     string   `help:"The gateway's client id at the provider." env:"DISPATCHAPY_OIDC_CLIENT_ID"`
	ClientSecret string   `hidden:"" help:"The gateway's client secret at the provider." env:"DISPATCHAPY_OIDC_CLIENT_SECRET"`
	RedirectURL  string   `help:"Public address of the gateway with the path /login/oidc/callback, as registered at the provider." env:"DISPATCHAPY_OIDC_REDIRECT_URL"`
	RoleClaim    string   `help:"Claim of the ID token that decides about the role; a dot leads into an object." default:"groups" env:"DISPATCHAPY_OIDC_ROLE_CLAIM"`
	Admin        []string `help:"Values of the claim that make administrators." env:"DISPATCHAPY_OIDC_ADMIN"`
	Operator     []string `help:"Values of the claim that make operators." env:"DISPATCHAPY_OIDC_OPERATOR"`
	Viewer       []string `help:"Values of the claim that make viewers." env:"DISPATCHAPY_OIDC_VIEWER"`
}

const callbackPath = "/login/oidc/callback"

func (o *OIDC) validate() error {
	if o.Issuer == "" {
		if o.ClientID != "" || o.RedirectURL != "" {
			return fmt.Errorf("--oidc-issuer: must be given with the other --oidc options")
		}
		return nil
	}
	if err := o.validateIssuer(); err != nil {
		return err
	}
	if o.ClientID == "" {
		return fmt.Errorf("--oidc-client-id: must be given with --oidc-issuer")
	}
	redirect, err := url.Parse(o.RedirectURL)
	if err != nil || redirect.Host == "" || redirect.Scheme != "https" && redirect.Scheme != "http" ||
		!strings.HasSuffix(redirect.Path, callbackPath) || redirect.RawQuery != "" || redirect.Fragment != "" {
		return fmt.Errorf("--oidc-redirect-url: must be the gateway's public URL that ends in %s", callbackPath)
	}
	if o.RoleClaim == "" {
		return fmt.Errorf("--oidc-role-claim: must not be empty")
	}
	return nil
}

func (o *OIDC) validateIssuer() error {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil {
		return fmt.Errorf("--oidc-issuer: must be a URL like https://login.example.org")
	}
	// Keys that anybody on the way can replace prove nothing.
	if issuer.Scheme != "https" && (issuer.Scheme != "http" || !isLoopback(issuer.Hostname())) {
		return fmt.Errorf("--oidc-issuer: must begin with https://; http:// is for a provider on the same machine")
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
