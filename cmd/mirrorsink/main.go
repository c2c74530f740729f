// Command mirrorsink receives mirrored VPC traffic, rebuilds its flows, and reports what they are by name. Events go to
// standard output or to files, everything for people to standard error.
package main

import "github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/command"

func main() { command.Main() }
