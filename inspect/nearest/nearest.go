// Package nearest finds what a person meant who mistyped a name: of a flag, a key, a field. It knows no names of its own and
// writes no messages.
package nearest

// Word returns the word among known that differs from word in the fewest letters, of equals the first, or "" if none is near: if
// it would take more than two letters, or a third of the word. Letters are bytes.
func Word(word string, known []string) string {
	best, nearest := "", max(2, len(word)/3)+1
	for _, k := range known {
		if gap := len(word) - len(k); gap >= nearest || -gap >= nearest {
			continue // they differ in that many letters at least; a word may be as long as the file that it is from
		}
		if d := distance(word, k); d < nearest {
			best, nearest = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance: how many bytes to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the table, for the part of a so far
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(diagonal+cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
