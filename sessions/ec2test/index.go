package ec2test

// index holds the IDs of a table's resources by a key, such as the filter of a rule.
type index map[string]set

type set map[string]struct{}

// indexed is an index and the key of a resource in it. A resource with an empty key is not in the index.
type indexed[T any] struct {
	ids index
	key func(*T) string
}

func (x indexed[T]) add(id string, value *T) {
	key := x.key(value)
	if key == "" {
		return
	}
	if x.ids[key] == nil {
		x.ids[key] = set{}
	}
	x.ids[key][id] = struct{}{}
}

func (x indexed[T]) remove(id string, value *T) {
	key := x.key(value)
	delete(x.ids[key], id)
	if len(x.ids[key]) == 0 {
		delete(x.ids, key)
	}
}
