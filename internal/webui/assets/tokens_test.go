package assets

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// states are the colours of states; each has text, tint and mark.
var states = []string{"ok", "fail", "warn", "run", "wait", "held", "stop"}

// themes reads the colours of each theme. The dark one stands twice, and must
// be the same.
func themes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css := string(read("css/tokens.css"))
	block := regexp.MustCompile(`(?s)(:root, \[data-theme=light\]|\n\[data-theme=dark\]|:root:not\(\[data-theme\]\)) \{(.*?)\}`)
	token := regexp.MustCompile(`--([\w-]+): (#[0-9A-Fa-f]{3,6});`)
	out := map[string]map[string]string{}
	for _, b := range block.FindAllStringSubmatch(css, -1) {
		colours := map[string]string{}
		for _, c := range token.FindAllStringSubmatch(b[2], -1) {
			colours[c[1]] = strings.ToUpper(c[2])
		}
		out[strings.TrimSpace(b[1])] = colours
	}
	if len(out) != 3 {
		t.Fatalf("%d themes were found", len(out))
	}
	return out
}

// TestColoursCanBeRead checks contrast by WCAG 2.2: 4.5 for text on every ground
// that it is used on, 3 for marks and borders.
func TestColoursCanBeRead(t *testing.T) {
	for theme, c := range themes(t) {
		check := func(front, back string, least float64) {
			if got := contrast(rgb(t, c[front]), rgb(t, c[back])); got < least {
				t.Errorf("%s: %s on %s has %.2f, needs %.1f", theme, front, back, got, least)
			}
		}
		for _, back := range []string{"bg", "surface", "sunken"} {
			for _, front := range []string{"text", "text-2", "text-3", "accent"} {
				check(front, back, 4.5)
			}
			check("border-strong", back, 3)
			check("focus", back, 3)
		}
		check("on-accent", "accent", 4.5)
		check("on-danger", "danger-btn", 4.5)
		check("accent", "accent-bg", 4.5)
		for _, s := range states {
			check(s, s+"-bg", 4.5)
			check(s, "surface", 4.5)
			check(s+"-mark", "surface", 3)
		}
	}
}

func TestDarkIsTheSameHoweverItIsChosen(t *testing.T) {
	all := themes(t)
	chosen, system := all["[data-theme=dark]"], all[":root:not([data-theme])"]
	if fmt.Sprint(chosen) != fmt.Sprint(system) {
		t.Errorf("chosen %v\nsystem %v", chosen, system)
	}
}

// vision says how colours look to people who see fewer of them (Machado,
// Oliveira and Fernandes 2009, severity 1).
var vision = map[string][3][3]float64{
	"all":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"deuteranop": {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.01182, .04294, .968881}},
	"protanop":   {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
	"tritanop":   {{1.255528, -.076749, -.178779}, {-.078411, .930809, .147602}, {.004733, .691367, .3039}},
}

// TestDeliveredAndFailedDiffer checks the distance (OKLab) of the two marks
// that nobody may mistake for each other.
func TestDeliveredAndFailedDiffer(t *testing.T) {
	for theme, c := range themes(t) {
		for eye, m := range vision {
			if d := distance(oklab(rgb(t, c["ok-mark"]), m), oklab(rgb(t, c["fail-mark"]), m)); d < 0.12 {
				t.Errorf("%s, %s: the distance is %.3f", theme, eye, d)
			}
		}
	}
}

func rgb(t *testing.T, hex string) [3]float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 {
		t.Fatalf("%q is no colour", hex)
	}
	out := [3]float64{}
	for i, shift := range []uint{16, 8, 0} {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			out[i] = c / 12.92
		} else {
			out[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return out
}

func contrast(a, b [3]float64) float64 {
	light := func(c [3]float64) float64 { return .2126*c[0] + .7152*c[1] + .0722*c[2] }
	high, low := max(light(a), light(b)), min(light(a), light(b))
	return (high + .05) / (low + .05)
}

func oklab(c [3]float64, m [3][3]float64) [3]float64 {
	var seen [3]float64
	for i := range 3 {
		seen[i] = min(1, max(0, m[i][0]*c[0]+m[i][1]*c[1]+m[i][2]*c[2]))
	}
	r, g, b := seen[0], seen[1], seen[2]
	l := math.Cbrt(.4122214708*r + .5363325363*g + .0514459929*b)
	a := math.Cbrt(.2119034982*r + .6806995451*g + .1073969566*b)
	s := math.Cbrt(.0883024619*r + .2817188376*g + .6299787005*b)
	return [3]float64{
		.2104542553*l + .793617785*a - .0040720468*s,
		1.9779984951*l - 2.428592205*a + .4505937099*s,
		.0259040371*l + .7827717662*a - .808675766*s,
	}
}

func distance(a, b [3]float64) float64 {
	return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2])
}
