package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/google/shlex"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// program runs a program for each alert, with the alert as JSON on its standard input. No shell is involved, and nothing of an alert is in
// its arguments.
type program struct {
	argv []string
	sink *message.Sink
	time time.Duration // it is killed after that, with what it has started
}

func openProgram(_ context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	argv, err := words(spec)
	if err != nil {
		return nil, "", err
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, "", fmt.Errorf("%s: %w", argv[0], errors.Unwrap(err))
	}
	return &program{argv, sink, callTimeout}, argv[0], nil
}

// words returns the words of a command line, with the quotation of shells: single quotes, double quotes, backslashes. All else is a character
// as others are, since there is no shell.
func words(text string) ([]string, error) {
	const hash = "\x01" // in the place of #, which would begin a comment
	if strings.ContainsAny(text, "\x00"+hash) {
		return nil, errors.New("a command has no control characters")
	}
	argv, err := shlex.Split(strings.ReplaceAll(text, "#", hash))
	switch {
	case err != nil:
		return nil, errors.New("a quotation mark has no second one, or a backslash no character behind it")
	case len(argv) == 0 || argv[0] == "":
		return nil, errors.New(`want a program with its arguments, such as exec:/usr/local/bin/page "on call"`)
	}
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], hash, "#")
	}
	return argv, nil
}

func (p *program) send(ctx context.Context, alerts []*alert.Alert) []error {
	return each(alerts, func(a *alert.Alert) error { return p.run(ctx, a) })
}

func (p *program) run(ctx context.Context, a *alert.Alert) error {
	ctx, cancel := context.WithTimeout(ctx, p.time)
	defer cancel()
	var said head
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Stdin = bytes.NewReader(append(message.JSON(a, p.sink), '\n'))
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &spool.Failure{Class: spool.Unreachable, Text: fmt.Sprintf("killed after %v", p.time), Err: err}
	case errors.As(err, &exit):
		return &spool.Failure{Class: spool.Fault, Text: strings.TrimSuffix(fmt.Sprintf("%v: %s", exit, said.text()), ": "), Err: err}
	default:
		return &spool.Failure{Class: spool.Missing, Text: awssdk.Cause(err), Err: err}
	}
}

// head keeps the first part of what a program prints.
type head struct{ buf []byte }

func (h *head) Write(p []byte) (int, error) {
	h.buf = append(h.buf, p[:min(len(p), maxAnswer-len(h.buf))]...)
	return len(p), nil
}

func (h *head) text() string { return message.Printable(awssdk.OneLine(string(h.buf))) }
