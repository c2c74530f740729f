package flags

import (
	"errors"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Encapsulation is a flag for whether the frames of a capture are mirrored copies.
type Encapsulation decap.Encapsulation

var encapsulations = [...]string{decap.Auto: "auto", decap.Always: "always", decap.Never: "never"}

// Set takes a name.
func (e *Encapsulation) Set(text string) error {
	for i, name := range encapsulations {
		if text == name {
			*e = Encapsulation(i)
			return nil
		}
	}
	return errors.New("want auto, always or never")
}

// String returns the name.
func (e *Encapsulation) String() string { return encapsulations[*e] }

// Type implements pflag.Value.
func (*Encapsulation) Type() string { return "encapsulation" }

// Values returns the names.
func (*Encapsulation) Values() []string { return encapsulations[:] }
