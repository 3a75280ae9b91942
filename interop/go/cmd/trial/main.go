// Trial makes a network of Go oracles, one process each, runs it until so many transmissions are on chain, and judges
// what the oracles say: trial --anvil PATH [flags]. The other commands of this module must lie beside it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/trial"
)

func main() {
	var w trial.Wishes
	flag.StringVar(&w.Anvil, "anvil", "", "start this anvil (the program itself, not a wrapper of it)")
	flag.StringVar(&w.RPC, "rpc", "", "use this chain instead")
	flag.StringVar(&w.Dir, "dir", "", "keep files here; empty: a temporary folder")
	flag.IntVar(&w.N, "n", 4, "oracles")
	flag.StringVar(&w.Generation, "generation", "old", "old, new, or alternate")
	flag.IntVar(&w.Transmissions, "transmissions", 5, "until so many are on chain")
	flag.BoolVar(&w.Faults, "faults", false, "then kill and restart an oracle and change the configuration")
	flag.BoolVar(&w.KnowAll, "know-all", false, "every seat knows every address")
	timeout := flag.Duration("timeout", 5*time.Minute, "give up after this")
	flag.Parse()
	if (w.Anvil == "") == (w.RPC == "") {
		process.Fail(2, fmt.Errorf("wanted --anvil or --rpc"))
	}
	own, err := os.Executable()
	if err != nil {
		process.Fail(1, err)
	}
	w.Bin = filepath.Dir(own)
	if w.Dir == "" {
		if w.Dir, err = os.MkdirTemp("", "trial"); err != nil {
			process.Fail(1, err)
		}
		defer os.RemoveAll(w.Dir)
	}
	signal.Ignore(syscall.SIGPIPE) // a reader that leaves must not leave our processes behind
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := trial.Run(ctx, w, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
