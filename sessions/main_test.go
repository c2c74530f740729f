package sessions

import "github.com/mirrorsink/mirrorsink/testdata/testform"

func init() { testform.Checks(30) }
