package decap_test

import "github.com/mirrorsink/mirrorsink/testdata/testform"

func init() { testform.Checks(50) }
