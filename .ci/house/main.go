// Command house measures the source tree, package by package, and fails where it breaks a limit.
//
//	go run ./.ci/house [DIR]
//
// It parses the Go files below DIR, the current directory by default, and runs nothing of them. Test files count as test lines only.
// It prints one row a package and then one line for each limit that is broken. The exit status is 1 if there is any.
package main

import (
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	tree, err := measure(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
	printTable(os.Stdout, tree)
	broken := append(tree.broken(), tree.brokenImports(mayImport, onlyIn)...)
	for _, b := range broken {
		fmt.Println(b)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
	fmt.Println("every limit holds")
}
