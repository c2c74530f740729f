package where

// Evaluate is Match with the error that there must never be.
func (f *Filter) Evaluate(r Row) (bool, error) {
	for i, name := range f.names {
		f.values[name] = r.Value(f.of[i])
	}
	answer, err := f.vm.Run(f.program, f.values)
	return answer == true, err
}
