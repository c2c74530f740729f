package flags

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// FlowLogFormat is a flag for the fields of flow log lines. The zero value is AWS's default format.
type FlowLogFormat struct {
	text   string
	format *flowlog.Format
}

// Set takes a format in AWS's syntax, or default, or all.
func (v *FlowLogFormat) Set(text string) error {
	switch text {
	case "default":
		*v = FlowLogFormat{}
		return nil
	case "all":
		*v = FlowLogFormat{text, flowlog.All()}
		return nil
	}
	format, err := flowlog.Parse(text)
	var unknown *flowlog.UnknownFieldError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w%s", err, didYouMean(unknown.Name))
	}
	if err != nil {
		return err
	}
	*v = FlowLogFormat{text, format}
	return nil
}

func didYouMean(name string) string {
	var known []string
	for i := range flowlog.Fields {
		known = append(known, flowlog.Fields[i].Name)
	}
	if best := Closest(name, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return `; "mirrorsink help fields" lists all`
}

func (v *FlowLogFormat) Get() *flowlog.Format {
	if v.format == nil {
		return flowlog.Default
	}
	return v.format
}

// Chosen returns the format, or nil for AWS's default.
func (v *FlowLogFormat) Chosen() *flowlog.Format { return v.format }

// HasCommunityID reports whether lines have the community ID, which costs time.
func (v *FlowLogFormat) HasCommunityID() bool {
	return slices.Contains(v.Get().Fields(), flowlog.Lookup("x-community-id"))
}

// String returns the format as Set takes it.
func (v *FlowLogFormat) String() string {
	if v.text == "" {
		return "default"
	}
	return v.text
}

// Values returns the formats that have a name.
func (*FlowLogFormat) Values() []string { return []string{"default", "all"} }

// Type implements pflag.Value.
func (*FlowLogFormat) Type() string { return "format" }
