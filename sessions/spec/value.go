package spec

import (
	"fmt"
	"regexp"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

var (
	ownerForm = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,64}$`)
	zoneForm  = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+[a-z]$`) // eu-west-1a, us-west-2-lax-1a; not a zone's ID, such as euw1-az1
)

// CheckOwner reports text that cannot be an owner.
func CheckOwner(text string) error {
	_, err := parseOwner(text)
	return err
}

func parseOwner(text string) (string, error) {
	if !ownerForm.MatchString(text) {
		return "", fmt.Errorf("want 1 to 64 letters, digits, dots, dashes, underscores or slashes, found %s", strictyaml.Quote(text))
	}
	return text, nil
}

func parseZone(text string) (string, error) {
	if !zoneForm.MatchString(text) {
		return "", fmt.Errorf("%s is not the name of an availability zone, such as eu-west-1a", strictyaml.Quote(text))
	}
	return text, nil
}
