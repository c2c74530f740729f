package where

// Evaluate is Match that returns the run-time error, which no checked expression may have.
func (f *Filter) Evaluate(r Row) (bool, error) {
	for i, name := range f.names {
		f.values[name] = r.Value(f.indexes[i])
	}
	result, err := f.vm.Run(f.program, f.values)
	return result == true, err
}
