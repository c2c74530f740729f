package flags

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Groups of flags, in the order of --help.
const (
	Common     = "Common"
	Receiving  = "Receiving"
	Session    = "Session, without --spec"
	Sending    = "Sending"
	Faults     = "Faults"
	Selecting  = "Selecting"
	Outputs    = "Outputs"
	Records    = "Flow log records"
	AWS        = "AWS"
	Policy     = "Policy"
	Inventory  = "Inventory"
	Forwarding = "Forwarding"
	Limits     = "Limits"
	Serving    = "Serving"
	Other      = "Other"
)

// GroupOrder is the order of groups in --help.
var GroupOrder = []string{Common, Receiving, Session, Sending, Faults, Selecting, Outputs, Records, AWS, Policy, Inventory, Forwarding, Limits, Serving, Other}

// Annotations of flags.
const (
	groupKey  = "mirrorsink_group"
	wordKey   = "mirrorsink_word"
	valuesKey = "mirrorsink_values"
	rankKey   = "mirrorsink_rank"
)

// Group adds flags to one group of a command. Names may end in a comma and a letter: "output,o".
type Group struct {
	set  *pflag.FlagSet
	name string
}

// In returns the group of a set with a name.
func In(set *pflag.FlagSet, group string) Group { return Group{set, group} }

// Var adds a flag. word names its value in help, such as FILE; it is empty for flags without a value.
func (g Group) Var(v pflag.Value, name, word, usage string) {
	name, letter, _ := strings.Cut(name, ",")
	f := g.set.VarPF(v, name, letter, usage)
	_ = g.set.SetAnnotation(name, wordKey, []string{word}) // the flag exists
	_ = g.set.SetAnnotation(name, groupKey, []string{g.name})
	if _, isBool := v.(*boolValue); isBool {
		f.NoOptDefVal = "true"
	}
}

// Hidden adds a flag that --help does not show, for the configuration file.
func (g Group) Hidden(v pflag.Value, name, word, usage string) {
	g.Var(v, name, word, usage)
	g.set.Lookup(name).Hidden = true
}

// Bool adds a flag without a value.
func (g Group) Bool(p *bool, name, usage string) { g.Var((*boolValue)(p), name, "", usage) }

// String adds a flag for one text.
func (g Group) String(p *string, name, word, usage string) {
	g.Var((*stringValue)(p), name, word, usage)
}

// Strings adds a flag for texts, which may be given several times.
func (g Group) Strings(p *[]string, name, word, usage string) {
	g.Var(&stringsValue{list: p}, name, word, usage)
}

// Int adds a flag for a whole number.
func (g Group) Int(p *int, name, word, usage string) { g.Var((*intValue)(p), name, word, usage) }

// Uint64 adds a flag for a whole number from 0 on.
func (g Group) Uint64(p *uint64, name, word, usage string) {
	g.Var((*uintValue)(p), name, word, usage)
}

// Float adds a flag for a number.
func (g Group) Float(p *float64, name, word, usage string) {
	g.Var((*floatValue)(p), name, word, usage)
}

// Duration adds a flag for a duration.
func (g Group) Duration(p *time.Duration, name, usage string) {
	g.Var((*durationValue)(p), name, "DURATION", usage)
}

// Level adds a flag for a level of the log.
func (g Group) Level(p *slog.Level, name, usage string) {
	g.Var((*levelValue)(p), name, "LEVEL", usage)
}

// Promote moves flags to the group of common ones, in this order.
func Promote(set *pflag.FlagSet, names ...string) {
	for i, name := range names {
		_ = set.SetAnnotation(name, groupKey, []string{Common})
		_ = set.SetAnnotation(name, rankKey, []string{strconv.Itoa(i + 1)})
	}
}

// RankOf is the place of a promoted flag among the common ones, from 1 on; 0 of others.
func RankOf(f *pflag.Flag) int {
	if r := f.Annotations[rankKey]; len(r) > 0 {
		n, _ := strconv.Atoi(r[0]) // it was made by Promote
		return n
	}
	return 0
}

// GroupOf returns the group of a flag.
func GroupOf(f *pflag.Flag) string {
	if g := f.Annotations[groupKey]; len(g) > 0 {
		return g[0]
	}
	return Other
}

// WordOf returns the name of a flag's value in help, "" if it has none.
func WordOf(f *pflag.Flag) string {
	if w := f.Annotations[wordKey]; len(w) > 0 {
		return w[0]
	}
	return ""
}

// Enumeration is a flag whose value is one of a list, or begins with one of a list.
type Enumeration interface {
	// Values returns the list, for the completion of shells.
	Values() []string
}

// Suggest adds words for the completion of shells to a flag whose value does not list them by itself.
func Suggest(set *pflag.FlagSet, name string, words ...string) {
	_ = set.SetAnnotation(name, valuesKey, words)
}

// ValuesOf returns the words that shells complete a flag's value with.
func ValuesOf(f *pflag.Flag) []string {
	if e, ok := f.Value.(Enumeration); ok {
		return e.Values()
	}
	return f.Annotations[valuesKey]
}
