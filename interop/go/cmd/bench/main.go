// Bench runs one oracle of the reference under measurement: bench COMMITTEE SEAT
package main

import (
	"errors"
	"os"
	"strconv"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/bench"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
)

func main() {
	if len(os.Args) != 3 {
		process.Fail(2, errors.New("wanted COMMITTEE SEAT"))
	}
	number, err := strconv.Atoi(os.Args[2])
	if err != nil {
		process.Fail(2, err)
	}
	if err := bench.Run(os.Args[1], number, os.Stdin, os.Stdout); err != nil {
		process.Fail(1, err)
	}
}
