package flags

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is a flag for one of some words.
type Choice struct {
	Words []string
	Word  string // the one that is chosen
}

// ChoiceOf returns a choice of which the first word is chosen.
func ChoiceOf(words ...string) Choice { return Choice{words, words[0]} }

// Set takes one of the words.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.Words, text) {
		return fmt.Errorf("want %s", Alternatives(c.Words))
	}
	c.Word = text
	return nil
}

// Alternatives lists two words or more: a, b or c.
func Alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// String returns the word.
func (c *Choice) String() string { return c.Word }

// Type implements pflag.Value.
func (*Choice) Type() string { return "choice" }

// Values returns the words.
func (c *Choice) Values() []string { return c.Words }
