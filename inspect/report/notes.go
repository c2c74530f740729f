package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notes returns remarks on the completeness of an answer.
func (s *scan) notes(query *Query, counted uint64) (notes []string) {
	switch {
	case s.records == 0:
		notes = append(notes, "no records were found")
	case counted == 0:
		notes = append(notes, "none of "+plural(s.records, "record")+" matches the time range and the expression")
	}
	if s.lostWindows > 0 {
		notes = append(notes, plural(s.lostWindows, "window")+" lost copies (SKIPDATA): the traffic of that time is incomplete")
	}
	if s.skippedFiles > 0 {
		notes = append(notes, plural(s.skippedFiles, "file")+" without flow records in the folders: skipped")
	}
	notes = append(notes, s.lackingNotes()...)
	if query.groupBy == nil {
		return notes
	}
	if d := query.groupBy.dedup; d.found > 0 {
		notes = append(notes, plural(d.found, "record")+" seen at both ends: counted once")
		if d.dropped > 0 {
			notes = append(notes, plural(d.dropped, "other record")+" may be seen at both ends and counted twice: --memory is too small to compare them")
		}
	}
	return notes
}

// lackingNotes says which fields are not known, so that nobody takes that for zero or nothing.
func (s *scan) lackingNotes() (notes []string) {
	var everywhere, somewhere []string
	for _, name := range slices.Sorted(maps.Keys(s.lacking)) {
		if s.lacking[name] == s.readableFiles {
			everywhere = append(everywhere, name)
		} else {
			somewhere = append(somewhere, fmt.Sprintf("%s (%d of %d)", name, s.lacking[name], s.readableFiles))
		}
	}
	if len(everywhere) > 0 {
		notes = append(notes, "the records do not have "+summarize(everywhere)+": what depends on it is not known")
	}
	if len(somewhere) > 0 {
		notes = append(notes, "some files do not have "+summarize(somewhere)+": what depends on it is incomplete")
	}
	return notes
}

// plural returns a number of things.
func plural(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// maxListed is the number of texts that summarize lists.
const maxListed = 5

// summarize joins the first texts, and counts the rest.
func summarize(all []string) string {
	if len(all) <= maxListed {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxListed], ", "), len(all)-maxListed)
}
