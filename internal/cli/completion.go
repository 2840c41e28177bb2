package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is printed below the flags.
func (c *completionCmd) Help() string {
	return `bash: source <(dispatchapy completion bash)
zsh:  source <(dispatchapy completion zsh)
fish: dispatchapy completion fish | source
Put the line into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.`
}

// Run prints a script for the shell. It is made from the same tree as --help,
// so that it knows what this version knows.
func (c *completionCmd) Run(con *console, app *kong.Kong) error {
	places := completions(app.Model.Node)
	if c.Shell == "fish" {
		writeFish(con.out, places)
		return nil
	}
	writeBash(con.out, places, c.Shell == "zsh")
	return nil
}

// place is what can stand after some commands.
type place struct {
	path  string // "task list"; "" at the beginning
	words []word // commands and flags
	enums map[string][]string
}

type word struct{ text, help string }

// completions lists every place of the tree, the outer ones first.
func completions(root *kong.Node) []place {
	var places []place
	var walk func(n *kong.Node, path string, inherited []*kong.Flag)
	walk = func(n *kong.Node, path string, inherited []*kong.Flag) {
		flags := slices.Concat(inherited, n.Flags)
		p := place{path: path, enums: map[string][]string{}}
		for _, child := range n.Children {
			if !child.Hidden {
				p.words = append(p.words, word{child.Name, child.Help})
			}
		}
		for _, arg := range n.Positional {
			for _, value := range enumOf(arg) {
				p.words = append(p.words, word{value, ""})
			}
		}
		for _, flag := range flags {
			if flag.Hidden {
				continue
			}
			p.words = append(p.words, word{"--" + flag.Name, flag.Help})
			if values := enumOf(flag.Value); len(values) > 0 {
				p.enums["--"+flag.Name] = values
				if flag.Short != 0 {
					p.enums["-"+string(flag.Short)] = values
				}
			}
		}
		places = append(places, p)
		for _, child := range n.Children {
			if !child.Hidden {
				walk(child, strings.TrimSpace(path+" "+child.Name), flags)
			}
		}
	}
	walk(root, "", nil)
	return places
}

func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return strings.Split(v.Enum, ",")
}

// bashScript looks the place up by the commands before the cursor; words that
// are no commands (arguments, values of flags) do not change the place. What
// is not known is completed as a file name.
const bashScript = `_dispatchapy() {
  local cur prev place="" i
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev="${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$place>${COMP_WORDS[i]}" in
%s    esac
  done
  case "$place $prev" in
%s  esac
  local words=""
  case "$place" in
%s  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _dispatchapy dispatchapy
`

func writeBash(w io.Writer, places []place, zsh bool) {
	var commands, values, words strings.Builder
	for _, p := range places {
		if p.path != "" {
			outer, name := "", p.path
			if i := strings.LastIndex(p.path, " "); i >= 0 {
				outer, name = p.path[:i], p.path[i+1:]
			}
			fmt.Fprintf(&commands, "      %q) place=%q ;;\n", outer+">"+name, p.path)
		}
		for _, flag := range sortedKeys(p.enums) {
			fmt.Fprintf(&values, "    %q) COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", p.path+" "+flag, strings.Join(p.enums[flag], " "))
		}
		texts := make([]string, len(p.words))
		for i := range p.words {
			texts[i] = p.words[i].text
		}
		fmt.Fprintf(&words, "    %q) words=%q ;;\n", p.path, strings.Join(texts, " "))
	}
	if zsh {
		fmt.Fprintln(w, "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit")
	}
	fmt.Fprintf(w, bashScript, commands.String(), values.String(), words.String())
}

const fishScript = `function __dispatchapy_at
  set -l place
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$place $word")
    contains -- $next %s; and set place $next
  end
  test "$place" = "$argv[1]"
end
`

func writeFish(w io.Writer, places []place) {
	var known []string
	for _, p := range places {
		if p.path != "" {
			known = append(known, fishQuote(p.path))
		}
	}
	fmt.Fprintf(w, fishScript, strings.Join(known, " "))
	for _, p := range places {
		at := fishQuote("__dispatchapy_at " + fishQuote(p.path))
		for _, o := range p.words {
			if name, flag := strings.CutPrefix(o.text, "--"); flag {
				line := fmt.Sprintf("complete -c dispatchapy -n %s -l %s -d %s", at, name, fishQuote(o.help))
				if values := p.enums[o.text]; len(values) > 0 {
					line += " -xa " + fishQuote(strings.Join(values, " "))
				}
				fmt.Fprintln(w, line)
				continue
			}
			fmt.Fprintf(w, "complete -c dispatchapy -n %s -a %s -d %s\n", at, o.text, fishQuote(o.help))
		}
	}
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
