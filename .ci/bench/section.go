package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A section is a part of the table that can be measured alone.
type section struct {
	name    string // for -only
	measure func(context.Context) (table, error)
}

// sections are all of them, in the order of the table. Those that need captures open them when they are measured.
func sections(open func() (captures, error)) []section {
	of := func(measure func(context.Context, captures) (table, error)) func(context.Context) (table, error) {
		return func(ctx context.Context) (table, error) {
			c, err := open()
			if err != nil {
				return nil, err
			}
			return measure(ctx, c)
		}
	}
	return []section{
		{"decoder", decoders},
		{"plan", plans},
		{"replay", of(replays)},
		{"cores", of(cores)},
		{"peers", of(peers)},
		{"records", of(records)},
		{"windows", windows},
		{"scale", of(measureScales)},
	}
}

// choose returns the sections whose names are in list, in their own order; all of them if it is empty.
func choose(all []section, list string) (chosen []section, err error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("there is no part %q: there are %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s section) bool { return !slices.Contains(wanted, s.name) }), nil
}

// measureAll measures one section after the other. What fails is left out, since the others take minutes to measure again.
func measureAll(ctx context.Context, chosen []section) (t table, failed error) {
	for _, s := range chosen {
		rows, err := s.measure(ctx)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			rows = table{{what: s.name, leftOut: "it failed, see below"}}
		}
		t = append(t, rows...)
		if ctx.Err() != nil {
			break
		}
	}
	return t, failed
}

func names(all []section) (n []string) {
	for _, s := range all {
		n = append(n, s.name)
	}
	return n
}
