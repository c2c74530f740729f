package command

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// version is set by the linker. A binary that "go install" made takes its module's version instead.
var version string

// buildInfo is what `mirrorsink version` prints.
type buildInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersion() *cobra.Command {
	output := "text"
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printVersion(cmd.OutOrStdout(), readBuildInfo(), output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "text or json")
	return cmd
}

func readBuildInfo() buildInfo {
	info := buildInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	built, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	if info.Version == "" {
		info.Version = built.Main.Version
	}
	for _, s := range built.Settings {
		if s.Key == "vcs.revision" {
			info.Commit = s.Value
		}
	}
	return info
}

func printVersion(w io.Writer, info buildInfo, output string) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(info)
	case "text":
		commit := ""
		if info.Commit != "" {
			commit = ", commit " + info.Commit
		}
		_, err := fmt.Fprintf(w, "mirrorsink %s%s, %s, %s/%s\n", info.Version, commit, info.Go, info.OS, info.Arch)
		return err
	default:
		return flags.Usagef("--output %s: there are text and json", output)
	}
}
