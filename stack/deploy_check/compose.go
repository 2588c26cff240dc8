package main

import (
	"context"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project loads compose files as `docker compose --profile '*' config` does: schema, merging, interpolation, references.
func project(paths []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions(paths,
		cli.WithOsEnv, cli.WithName("handspan"), cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}
