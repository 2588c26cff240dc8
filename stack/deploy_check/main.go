// Reads files of deploy/ with the libraries of the programs that they are for, and prints as JSON what they make of them:
//
//	deploy_check compose FILE...      what `docker compose config` would use, variables from the environment
//	deploy_check kustomize FOLDER     the objects that `kubectl apply -k` would send, decoded strictly
//	deploy_check dockerfile FILE      stages and their instructions, after BuildKit's own lint
//
// Whatever such a program would complain about is a line on stderr and exit code 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: deploy_check compose|kustomize|dockerfile PATH..."))
	}
	made, err := read(os.Args[1], os.Args[2:])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
		fail(err)
	}
}

func read(kind string, paths []string) (any, error) {
	switch kind {
	case "compose":
		return project(paths)
	case "kustomize":
		return objects(paths[0])
	case "dockerfile":
		return stages(paths[0])
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
