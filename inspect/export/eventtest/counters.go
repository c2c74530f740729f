package eventtest

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// firstNumber is larger than what tests count otherwise.
const firstNumber = 1_000_001

// Number gives each counter that users see a value of its own, and returns their names by these values. The others stay zero: elements of
// arrays that stand for "none", and the events of a worker, of which outputs have counters of their own.
func Number(c *event.Counters) map[uint64]string {
	names := map[uint64]string{}
	number(reflect.ValueOf(c).Elem(), "", names)
	hidden := []*uint64{&c.TunnelSkips[decap.TunnelEntered], &c.Refused[event.NotRefused], &c.Hints[l7.None]}
	for kind := range c.Events {
		hidden = append(hidden, &c.Events[kind])
	}
	for _, n := range hidden {
		delete(names, *n)
		*n = 0
	}
	return names
}

func number(v reflect.Value, name string, names map[uint64]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			number(v.Field(i), name+"."+v.Type().Field(i).Name, names)
		}
	case reflect.Array:
		for i := range v.Len() {
			number(v.Index(i), fmt.Sprintf("%s[%d]", name, i), names)
		}
	default:
		n := firstNumber + uint64(len(names))
		names[n] = strings.TrimPrefix(name, ".")
		v.SetUint(n)
	}
}
