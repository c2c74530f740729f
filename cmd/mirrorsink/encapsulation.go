package main

import (
	"errors"

	"github.com/mirrorsink/mirrorsink/decap"
)

// encapsulation is the flag that says whether the frames of a capture are mirrored copies.
type encapsulation decap.Encapsulation

var encapsulations = [...]string{decap.Auto: "auto", decap.Always: "always", decap.Never: "never"}

// Set takes a name.
func (e *encapsulation) Set(text string) error {
	for i, name := range encapsulations {
		if text == name {
			*e = encapsulation(i)
			return nil
		}
	}
	return errors.New("want auto, always or never")
}

// String returns the name.
func (e *encapsulation) String() string { return encapsulations[*e] }

// Type names the value in help texts.
func (*encapsulation) Type() string { return "when" }
