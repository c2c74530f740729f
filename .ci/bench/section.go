package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A section is a part of the table that can be measured separately.
type section struct {
	name    string // for -only
	measure func(context.Context) (figures.Table, error)
}

// sections returns all sections, in the order of the table. Sections that need captures call open when they are measured.
func sections(open func() (captures, error)) []section {
	of := func(measure func(context.Context, captures) (figures.Table, error)) func(context.Context) (figures.Table, error) {
		return func(ctx context.Context) (figures.Table, error) {
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

// choose returns the sections whose names are in list, in the order of the table; all sections if list is empty.
func choose(all []section, list string) (chosen []section, err error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("no part %q: want some of %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s section) bool { return !slices.Contains(wanted, s.name) }), nil
}

// measureAll measures one section after the other. It goes on after a failure, since the other sections take minutes.
func measureAll(ctx context.Context, chosen []section) (t figures.Table, failed error) {
	for _, s := range chosen {
		rows, err := s.measure(ctx)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			rows = figures.Table{{Name: s.name, Skipped: "failed, see below"}}
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
