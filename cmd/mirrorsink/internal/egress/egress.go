// Package egress has the egress policy of a running program: it reads the file, and reads it again on request. Workers judge by it without
// a lock.
package egress

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/judge"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// Read reads a policy and the list files that it names, which stand beside it.
func Read(name string) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, text)
}

// Parse reads a policy from its file's text.
func Parse(name string, text []byte) (*policy.Policy, error) {
	return policy.Parse(name, text, policy.Config{
		Open: func(path string) ([]byte, error) {
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(name), path)
			}
			return os.ReadFile(path)
		},
		Check: func(expression string) error {
			if _, err := report.Schema.Compile(expression); err != nil {
				return fmt.Errorf("%w; see \"mirrorsink help where\"", err)
			}
			return nil
		},
	})
}

// Options are the flags of the policy.
type Options struct {
	File  string
	Text  []byte // of the policy, where the program has it and File is its name alone; nil to read File
	State string // the file of the alerts that are open, and of the names that new-name alerts have learnt
}

// AddTo adds the flags.
func (o *Options) AddTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Policy)
	g.String(&o.File, "policy", "FILE", "judge flows by this egress policy; see \"help policy-file\"")
	g.String(&o.State, "policy-state", "FILE", "keep open alerts, and the names that new-name alerts have learnt, in this file across restarts")
}

// Check reports options that are invalid.
func (o *Options) Check() error {
	if o.State != "" && !o.Enabled() {
		return flags.Usagef("--policy-state does nothing without --policy")
	}
	return nil
}

// Enabled reports whether there is a policy.
func (o *Options) Enabled() bool { return o.File != "" }

// Policy is the policy that counts now. Its methods are safe for concurrent use.
type Policy struct {
	load  func() (*judge.Rules, error)
	state string
	log   *slog.Logger
	rules atomic.Pointer[judge.Rules]

	mu     sync.Mutex // guards counts
	counts Counts
}

// Counts are the results of reading the policy again.
type Counts struct {
	Reloads  uint64
	Failures uint64 // after which the old one stayed
	Loaded   uint64 // time of the last successful reading, in Unix seconds
}

// Open reads the policy for the first time. services reads AWS's address ranges, and returns nil if there are none.
func (o *Options) Open(services func() (*flowlog.Services, error), log *slog.Logger) (*Policy, error) {
	p := &Policy{state: o.State, log: log, load: func() (*judge.Rules, error) {
		rules := new(judge.Rules)
		var err error
		if rules.Policy, err = o.read(); err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
		rules.Services, err = services()
		return rules, err
	}}
	rules, err := p.load()
	if err != nil {
		return nil, err
	}
	p.take(rules)
	return p, nil
}

// read reads the policy.
func (o *Options) read() (*policy.Policy, error) {
	if o.Text != nil {
		return Parse(o.File, o.Text)
	}
	return Read(o.File)
}

// take makes rules those that count.
func (p *Policy) take(rules *judge.Rules) {
	p.rules.Store(rules)
	p.counts.Loaded = uint64(time.Now().Unix())
}

// State returns the file of what alerts keep across restarts; "" for none.
func (p *Policy) State() string { return p.state }

// Rules returns the rules that count now.
func (p *Policy) Rules() *judge.Rules { return p.rules.Load() }

// Reload reads the policy again. If that fails the old one stays, and the log says why.
func (p *Policy) Reload() {
	rules, err := p.load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.counts.Failures++
		p.log.Error("the policy cannot be read: the old one stays", "error", oneLine(err))
		return
	}
	p.counts.Reloads++
	p.take(rules)
	p.log.Info("the policy was read again", "rules", len(rules.Policy.Allow), "alerts", len(rules.Policy.Alerts))
}

// Count returns the counts.
func (p *Policy) Count() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}
