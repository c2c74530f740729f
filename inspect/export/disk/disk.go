// Package disk holds what all outputs to the local disk need: file locks, and errors of the system with advice.
package disk
