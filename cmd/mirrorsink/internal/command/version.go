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
	output := flags.ChoiceOf("text", "json")
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Prints the version, the commit it was built from, and the version of Go.",
		Example: `  mirrorsink version
  mirrorsink version -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printVersion(cmd.OutOrStdout(), readBuildInfo(), output.Word)
		},
	}
	flags.In(cmd.Flags(), flags.Common).Var(&output, "output,o", "FORMAT", "format of the output: text or json")
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
	if output == "json" {
		return json.NewEncoder(w).Encode(info)
	}
	_, err := fmt.Fprintln(w, info)
	return err
}

// String returns the line of --version.
func (i buildInfo) String() string {
	commit := ""
	if i.Commit != "" {
		commit = ", commit " + i.Commit
	}
	return fmt.Sprintf("mirrorsink %s%s, %s, %s/%s", i.Version, commit, i.Go, i.OS, i.Arch)
}
