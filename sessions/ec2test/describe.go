package ec2test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// kind is a kind of resources, with what its Describe call needs.
type kind[T any] struct {
	table    func(d *store) *table[T]
	ids      string // the parameter that lists IDs
	notFound string // error code
	noun     string // of messages
	set      string // name of the list in the answer
	fields   fields[T]
	tags     func(*T) map[string]string // nil if the kind cannot be filtered by tags
	complete func(c *call, v *T) *T     // nil, or adds what the description of a resource has besides
	write    func(w xmlWriter, v *T)
	either   bool // MaxResults and IDs exclude each other
	unpaged  bool // all results come in one page unless MaxResults is given
}

// Pages of Describe calls.
const (
	minResults     = 5
	maxResults     = 1000
	defaultResults = 1000
)

// describe answers a Describe call.
func describe[T any](c *call, k *kind[T]) (reply, error) {
	criteria := criteriaOf(c, k.fields, k.tags)
	ids := c.list(k.ids)
	if k.either && len(ids) > 0 && c.has("MaxResults") {
		c.fail(refused("InvalidParameterCombination", "The parameter %s cannot be used with the parameter MaxResults", k.ids))
	}
	size := c.integer("MaxResults", minResults, maxResults, defaultResults)
	if k.unpaged && !c.has("MaxResults") {
		size = len(k.table(c.store).rows)
	}
	after := c.pageToken()
	rows, err := k.choose(c, ids)
	if err != nil && c.err == nil {
		c.err = err
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	page, next := k.page(c, rows, criteria, after, size)
	return func(w xmlWriter) {
		writeSet(w, k.set, page, func(v *T) { k.write(w, v) })
		w.text("nextToken", next)
	}, nil
}

// choose returns the rows to look through, in the order of pages.
func (k *kind[T]) choose(c *call, ids []string) ([]*row[T], error) {
	t := k.table(c.store)
	if len(ids) == 0 {
		return t.rows, nil
	}
	var rows []*row[T]
	for _, id := range ids {
		if t.seen(id, c.number) == nil {
			return nil, k.absent(id)
		}
		rows = append(rows, t.byID[id])
	}
	slices.SortFunc(rows, bySeq[T])
	return slices.Compact(rows), nil
}

func (k *kind[T]) absent(id string) error {
	return refused(k.notFound, "The %s ID '%s' does not exist", k.noun, id)
}

// find returns a resource that a call refers to.
func (k *kind[T]) find(c *call, id string) *T {
	if c.err != nil {
		return nil
	}
	v := k.table(c.store).seen(id, c.number)
	if v == nil {
		c.err = k.absent(id)
	}
	return v
}

// page returns the next matching resources, and the token for the rest if there is one.
func (k *kind[T]) page(c *call, rows []*row[T], criteria []criterion[T], after uint64, size int) (page []*T, next string) {
	start, _ := slices.BinarySearchFunc(rows, after+1, func(r *row[T], seq uint64) int { return cmp.Compare(r.seq, seq) })
	last := after
	for _, r := range rows[start:] {
		if r.hidden >= c.number || slices.ContainsFunc(criteria, func(f criterion[T]) bool { return !f.matches(c.store, r.value) }) {
			continue
		}
		if len(page) == size {
			return page, c.newPageToken(last)
		}
		v := r.value
		if k.complete != nil {
			v = k.complete(c, v)
		}
		page, last = append(page, v), r.seq
	}
	return page, ""
}

// newPageToken returns the token of the page after a row. It is valid for the same query only.
func (c *call) newPageToken(last uint64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %x", last, c.queryHash()))
}

// pageToken reads a token, 0 for the first page.
func (c *call) pageToken() (last uint64) {
	token := c.text("NextToken")
	if token == "" {
		return 0
	}
	var queryHash uint64
	text, _ := base64.RawURLEncoding.DecodeString(token) // text that is not base64 does not scan either
	if _, err := fmt.Sscanf(string(text), "%d %x", &last, &queryHash); err != nil || queryHash != c.queryHash() {
		c.fail(refused("InvalidPaginationToken", "The pagination token '%s' is invalid or was made for another queryHash.", token))
	}
	return last
}

// queryHash is a hash of the parameters that the pages of one query have in common.
func (c *call) queryHash() uint64 {
	h := fnv.New64a()
	keys := make([]string, 0, len(c.form))
	for key := range c.form {
		if key != "NextToken" && key != "MaxResults" && !strings.HasPrefix(key, "DryRun") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(h, "%s=%q ", key, c.form.Get(key))
	}
	return h.Sum64()
}
