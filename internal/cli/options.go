package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// optionsFile reads options from YAML. Its keys are names of flags.
func optionsFile(r io.Reader) (kong.Resolver, error) {
	file := &fileResolver{name: "options file", values: map[string]any{}}
	if f, ok := r.(interface{ Name() string }); ok {
		file.name = f.Name()
	}
	if err := yaml.NewDecoder(r).Decode(&file.values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file.name, err)
	}
	return file, nil
}

type fileResolver struct {
	name   string
	values map[string]any
}

// Validate refuses keys that are no flag of any command.
func (f *fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = true
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(app.Node)
	for key := range f.values {
		if !known[key] {
			return fmt.Errorf("%s: there is no option %q", f.name, key)
		}
	}
	return nil
}

// Resolve gives the file's value unless the environment has one. The value goes
// on as text, so that it is read as on the command line: a number would be
// taken for nanoseconds where a duration is wanted.
func (f *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if slices.ContainsFunc(flag.Envs, func(name string) bool { _, set := os.LookupEnv(name); return set }) {
		return nil, nil
	}
	value, given := f.values[flag.Name]
	if !given {
		return nil, nil
	}
	if list, ok := value.([]any); ok && flag.IsSlice() {
		words := make([]string, len(list))
		for i := range list {
			word, err := f.scalar(list[i])
			if err != nil {
				return nil, err
			}
			words[i] = word
		}
		return kong.JoinEscaped(words, flag.Tag.Sep), nil
	}
	return f.scalar(value)
}

func (f *fileResolver) scalar(value any) (string, error) {
	switch value.(type) {
	case nil, map[string]any, []any:
		return "", fmt.Errorf("%s: must have one value, like on the command line", f.name)
	}
	return fmt.Sprint(value), nil
}

// decodePath makes paths absolute. kong's own mapper takes an empty value, as
// of a variable that a compose file sets to nothing, for the working directory.
func decodePath(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path != "" && path != "-" {
		path = kong.ExpandPath(path)
	}
	target.SetString(path)
	return nil
}
