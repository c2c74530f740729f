package flags

import "regexp"

// scheme is how a URL begins, and no path that a person means.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:/`)

// CheckPath reports a path of a file or folder that is a URL. want describes what the flag takes; a path that only looks like a URL is given
// with ./ before it.
func CheckPath(flag, path, want string) error {
	if !scheme.MatchString(path) {
		return nil
	}
	return Usagef("%s %q: want %s", flag, path, want)
}
