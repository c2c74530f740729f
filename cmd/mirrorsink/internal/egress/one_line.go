package egress

import "strings"

// oneLine returns the text of an error that may have several lines.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
