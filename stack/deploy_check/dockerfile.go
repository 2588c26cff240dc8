package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type stage struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Steps []step `json:"steps"`
}

type step struct {
	Name    string            `json:"name"`
	Args    []string          `json:"args"`
	Shell   bool              `json:"shell"`
	From    string            `json:"from,omitempty"`
	Flags   []string          `json:"flags,omitempty"`
	Environ map[string]string `json:"environ,omitempty"`
}

// stages parses a Dockerfile and fails on every warning of BuildKit's linter that parsing raises.
func stages(path string) ([]stage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var said []string
	for _, warning := range parsed.Warnings {
		said = append(said, warning.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		said = append(said, rule+": "+message)
	}})
	found, metaArgs, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return nil, err
	}
	if len(said) > 0 {
		return nil, fmt.Errorf("%s: %s", path, strings.Join(said, "; "))
	}
	values := map[string]string{}
	for _, command := range metaArgs {
		for _, one := range command.Args {
			values[one.Key] = one.ValueString()
		}
	}
	made := make([]stage, 0, len(found))
	for _, one := range found {
		base := os.Expand(one.BaseName, func(name string) string { return values[name] })
		steps := make([]step, 0, len(one.Commands))
		for _, command := range one.Commands {
			steps = append(steps, stepOf(command))
		}
		made = append(made, stage{Name: one.Name, Base: base, Steps: steps})
	}
	return made, nil
}

func stepOf(command instructions.Command) step {
	made := step{Name: command.Name()}
	switch one := command.(type) {
	case *instructions.RunCommand:
		made.Args, made.Shell, made.Flags = one.CmdLine, one.PrependShell, one.FlagsUsed
	case *instructions.CopyCommand:
		made.Args, made.From = append(append([]string{}, one.SourcePaths...), one.DestPath), one.From
	case *instructions.WorkdirCommand:
		made.Args = []string{one.Path}
	case *instructions.UserCommand:
		made.Args = []string{one.User}
	case *instructions.ExposeCommand:
		made.Args = one.Ports
	case *instructions.EntrypointCommand:
		made.Args, made.Shell = one.CmdLine, one.PrependShell
	case *instructions.CmdCommand:
		made.Args, made.Shell = one.CmdLine, one.PrependShell
	case *instructions.HealthCheckCommand:
		made.Args = one.Health.Test
	case *instructions.EnvCommand:
		made.Environ = pairs(one.Env)
	case *instructions.LabelCommand:
		made.Environ = pairs(one.Labels)
	}
	return made
}

func pairs(found instructions.KeyValuePairs) map[string]string {
	made := map[string]string{}
	for _, pair := range found {
		made[pair.Key] = pair.Value
	}
	return made
}
