package doctor

import (
	"fmt"
	"strings"
)

// joined returns a list with commas.
func joined(parts []string) string { return strings.Join(parts, ", ") }

// few returns the first three of a list, and how many more there are.
func few(list []string) string {
	const most = 3
	if len(list) <= most {
		return joined(list)
	}
	return fmt.Sprintf("%s and %d more", joined(list[:most]), len(list)-most)
}

// count returns a number with its noun.
func count(n int, noun string) string {
	return fmt.Sprintf("%d %s", n, plural(n, noun, noun+"s"))
}

// plural returns one for the number 1, many for any other.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func texts[T fmt.Stringer](list []T) (all []string) {
	for _, v := range list {
		all = append(all, v.String())
	}
	return all
}
