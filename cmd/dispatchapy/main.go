// Command dispatchapy is the gateway and everything to operate it.
package main

import (
	"os"
	_ "time/tzdata" // time zones of quiet hours and maintenance, where the machine has none

	"dispatchapy/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Run(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr)) }
