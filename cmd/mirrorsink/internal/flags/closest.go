package flags

import "github.com/hbollon/go-edlib"

// Closest returns the known word with the smallest edit distance to word, or "" if more than two fifths of the letters differ.
// Two swapped letters count as one difference.
func Closest(word string, known []string) string {
	best, _ := edlib.FuzzySearchThreshold(word, known, 0.6, edlib.OSADamerauLevenshtein) // only some other algorithms return errors
	return best
}
