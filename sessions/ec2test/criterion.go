package ec2test

import (
	"path"
	"strconv"
	"strings"
)

// fields are the documented Filters of a Describe call by name, with the values of a resource.
type fields[T any] map[string]func(d *store, v *T) []string

// criterion is one Filter of a Describe call. A resource matches if it has one of the values, in which * and ? are wildcards.
type criterion[T any] struct {
	values   func(d *store, v *T) []string
	exact    set
	patterns []string
}

// Limits of one call (Filtering with the API and the AWS CLI).
const (
	maxCriteria = 50
	maxValues   = 200
)

// criteriaOf reads the Filters of a call.
func criteriaOf[T any](c *call, known fields[T], tags func(*T) map[string]string) (all []criterion[T]) {
	for i := 1; ; i++ {
		at := "Filter." + strconv.Itoa(i)
		name, ok := c.form[at+".Name"]
		if !ok {
			return all
		}
		values := fieldOf(known, tags, name[0])
		if values == nil {
			c.fail(refused("InvalidParameterValue", "The filter '%s' is invalid", name[0]))
			return nil
		}
		patterns := c.list(at + ".Value")
		if len(patterns) > maxValues || i > maxCriteria {
			c.fail(refused("FilterLimitExceeded", "The maximum length of the filter list is %d, that of its values %d.", maxCriteria, maxValues))
			return nil
		}
		all = append(all, newCriterion(values, patterns))
	}
}

// fieldOf returns the function that finds the values of a filter name, or nil.
func fieldOf[T any](known fields[T], tags func(*T) map[string]string, name string) func(*store, *T) []string {
	if f := known[name]; f != nil || tags == nil {
		return f
	}
	if name == "tag-key" {
		return func(_ *store, v *T) (keys []string) {
			for key := range tags(v) {
				keys = append(keys, key)
			}
			return keys
		}
	}
	key, ok := strings.CutPrefix(name, "tag:")
	if !ok {
		return nil
	}
	return func(_ *store, v *T) []string {
		if value, ok := tags(v)[key]; ok {
			return []string{value}
		}
		return nil
	}
}

func newCriterion[T any](values func(*store, *T) []string, patterns []string) criterion[T] {
	c := criterion[T]{values: values, exact: set{}}
	for _, v := range patterns {
		if strings.ContainsAny(v, `*?\`) {
			// EC2 has *, ? and the backslash of path.Match's syntax, but a star matches slashes too, and brackets match themselves.
			c.patterns = append(c.patterns, strings.NewReplacer("/", "\x00", "[", `\[`, "]", `\]`).Replace(v))
		} else {
			c.exact[v] = struct{}{}
		}
	}
	return c
}

func (c *criterion[T]) matches(d *store, v *T) bool {
	for _, have := range c.values(d, v) {
		if _, ok := c.exact[have]; ok {
			return true
		}
		for _, p := range c.patterns {
			if ok, err := path.Match(p, strings.ReplaceAll(have, "/", "\x00")); ok && err == nil {
				return true
			}
		}
	}
	return false
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func oneInt(n int) []string { return []string{strconv.Itoa(n)} }
