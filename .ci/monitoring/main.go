// Command monitoring makes the files of deploy/prometheus and deploy/grafana from its tables of rules and panels.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	for name, text := range files() {
		path := filepath.Join("deploy", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// files returns the text of each file, by its path from deploy.
func files() map[string]string {
	all := map[string]string{
		"prometheus/mirrorsink-rules.yaml": rulesFile(),
		"prometheus/mirrorsink-tests.yaml": testsFile(),
	}
	for _, d := range dashboards {
		all["grafana/mirrorsink-"+d.name+".json"] = d.file()
	}
	return all
}
