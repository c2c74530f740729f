// Package deploy holds the files of this folder that are part of the program.
package deploy

import _ "embed"

// Prices are the prices of AWS that policy cost uses unless it is given others.
//
//go:embed prices/aws.yaml
var Prices []byte
