// Command ec2-playground runs an EC2 of package ec2test with a small invented account, for trying mirrorsink's sessions commands without
// AWS. It prints what to export, and ends on SIGINT or SIGTERM. Nothing is kept.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// example is a spec that fits the account.
//
//go:embed playground.yaml
var example []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("playground", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:4566", "loopback `address` and port to listen on")
	dir := flags.String("dir", "bin", "`folder` for the AWS configuration, which is removed at the end, and the example spec, which stays")
	if err := flags.Parse(args); err != nil {
		return err
	}
	address, err := netip.ParseAddrPort(*listen)
	if err != nil || !address.Addr().IsLoopback() {
		return fmt.Errorf("--listen %s: want an address of this machine's own, such as 127.0.0.1:4566; the playground checks no credentials", *listen)
	}
	account := ec2test.Playground()
	srv, err := ec2test.Listen(account, *listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	defer srv.Close()
	f, err := writeFiles(*dir, account.Region)
	if err != nil {
		return err
	}
	defer f.remove()
	if err := f.explain(out, srv.URL); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// files are what the playground leaves in its folder.
type files struct {
	config string
	spec   string
}

// writeFiles writes the configuration, and the example spec unless there is one, which may have been edited.
func writeFiles(dir, region string) (files, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return files{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return files{}, err
	}
	f := files{config: filepath.Join(dir, "playground-aws-config"), spec: filepath.Join(dir, "playground.yaml")}
	if _, err := os.Stat(f.spec); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(f.spec, example, 0o644); err != nil {
			return files{}, err
		}
	}
	text := "[default]\nregion = " + region + "\naws_access_key_id = AKIAPLAYGROUND\naws_secret_access_key = made-up\n"
	return f, os.WriteFile(f.config, []byte(text), 0o600)
}

func (f files) remove() { _ = os.Remove(f.config) } // it is of no use to anybody

// explain says how to use the server, in words that a shell can evaluate.
func (f files) explain(out io.Writer, url string) error {
	_, err := fmt.Fprintf(out, `export AWS_ENDPOINT_URL=%s
export AWS_CONFIG_FILE=%s
# In another shell, give the two lines above, and then try:
#   bin/mirrorsink sessions plan -f %[3]s
#   bin/mirrorsink sessions apply -f %[3]s
#   bin/mirrorsink sessions status -f %[3]s
#   bin/mirrorsink sessions inventory -f %[3]s -o json
#   bin/mirrorsink sessions destroy -f %[3]s
# It ends with Ctrl-C, and forgets everything.
`, url, quote(f.config), quote(f.spec))
	return err
}
