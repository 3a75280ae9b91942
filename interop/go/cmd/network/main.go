// Network makes networks of the reference's contracts on a development chain, and changes their configuration:
//
//	network make DIR [flags]           deploy, configure, fund, write DIR/seats/*.json
//	network configure DIR [flags]      set a configuration anew; flags that are not given stay as they are
//	network request-round DIR          ask the contract for a round
//	network watch DIR [flags]          print transmissions, end after --transmissions of them
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/network"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
)

func main() {
	if len(os.Args) < 3 {
		process.Fail(2, fmt.Errorf("usage: network make|configure|request-round|watch DIR [flags]"))
	}
	verb, dir := os.Args[1], os.Args[2]
	flags := flag.NewFlagSet("network "+verb, flag.ExitOnError)
	timeout := flags.Duration("timeout", 2*time.Minute, "give up after this")
	var run func(context.Context, string, *seat.Events) error
	switch verb {
	case "make":
		run = makeNetwork(flags)
	case "configure":
		run = configure(dir, flags)
	case "request-round":
		run = network.RequestRound
	case "watch":
		transmissions := flags.Int("transmissions", 0, "end with 0 after this many; 0: never")
		run = func(ctx context.Context, dir string, events *seat.Events) error {
			return network.Watch(ctx, dir, *transmissions, events)
		}
	default:
		process.Fail(2, fmt.Errorf("no verb %q; there are make, configure, request-round, watch", verb))
	}
	_ = flags.Parse(os.Args[3:]) // ExitOnError
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := run(ctx, dir, seat.NewEvents(seat.NewLines(os.Stdout), seat.Fields{})); err != nil {
		process.Fail(1, err)
	}
}

func makeNetwork(flags *flag.FlagSet) func(context.Context, string, *seat.Events) error {
	var plan network.Plan
	var wishes network.Wishes
	plan.Config = network.DefaultConfig()
	plan.Config.Flags(flags)
	flags.StringVar(&wishes.RPC, "rpc", "http://127.0.0.1:8545", "JSON-RPC over HTTP of the chain")
	funderFile := flags.String("funder-key-file", "", "pays with this key; without it an account that the node keeps unlocked")
	funderEnv := flags.String("funder-key-env", "", "as --funder-key-file, from the environment")
	flags.IntVar(&wishes.N, "n", 4, "oracles of the committee")
	flags.IntVar(&wishes.Spares, "spares", 0, "more oracles with keys and coins, for a later committee")
	flags.StringVar(&wishes.Generation, "generation", "old", "old, new, or alternate")
	flags.IntVar(&wishes.BasePort, "base-port", 0, "first loopback port; 0: free ones")
	flags.BoolVar(&wishes.Bootstrap, "bootstrap", true, "name a bootstrap node and write its file")
	flags.BoolVar(&wishes.KnowAll, "know-all", false, "list every oracle's address in every seat")
	flags.TextVar(&wishes.DeltaDial, "delta-dial", network.Duration(0), "delta_dial_ms of the seats; 0: unsaid")
	flags.TextVar(&wishes.DeltaReconcile, "delta-reconcile", network.Duration(0), "delta_reconcile_ms of all; 0: what suits n")
	confirmations := flags.Uint("confirmations", 1, "how deep a configuration must lie")
	decimals := flags.Uint("decimals", 8, "of the aggregator")
	flags.BoolVar(&wishes.Unchecked, "unchecked", false, "send even a configuration that the reference would refuse")
	flags.Func("source", `JSON as in a seat file, may repeat: {"url":…,"path":[…],"scale_digits":8}; {oracle} in the url is its index`, func(text string) error {
		var source seat.Source
		if err := json.Unmarshal([]byte(text), &source); err != nil {
			return err
		}
		plan.Sources = append(plan.Sources, source)
		return nil
	})
	flags.IntVar(&plan.MinSources, "min-sources", 0, "how many sources must answer; 0: more than half")
	flags.StringVar(&plan.JuelsPerFeeCoin, "juels-per-fee-coin", "5000000000000000", "constant")
	flags.Uint64Var(&plan.ObservationTimeoutMs, "observation-timeout-ms", 0, "0: only the protocol's own")
	return func(ctx context.Context, dir string, events *seat.Events) (err error) {
		plan.Config.Complete(wishes.N)
		wishes.Confirmations, wishes.Decimals = uint16(*confirmations), uint8(*decimals)
		if len(plan.Sources) == 0 {
			return fmt.Errorf("an oracle needs at least one --source")
		}
		if wishes.Funder, err = network.ReadKey(*funderFile, *funderEnv); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, seat.Warning)
		made, digest, err := network.Make(ctx, dir, plan, wishes)
		if err != nil {
			return err
		}
		events.Emit("deployed", seat.Fields{"aggregator": made.Chain.Aggregator, "token": made.Link, "block": made.Chain.DeployedBlock})
		events.Emit("config", seat.Fields{"digest": digest.Hex(), "n": len(made.Committee), "f": made.Config.F})
		return nil
	}
}

func configure(dir string, flags *flag.FlagSet) func(context.Context, string, *seat.Events) error {
	plan, secrets, err := network.Read(dir) // first, because what it says is what the flags say by default
	if err != nil {
		process.Fail(2, err)
	}
	plan.Config.Flags(flags)
	committee := flags.String("committee", "", "oracles by index, as 0,1,4,3; empty: as before")
	unchecked := flags.Bool("unchecked", false, "send even a configuration that the reference would refuse")
	return func(ctx context.Context, dir string, events *seat.Events) error {
		if *committee != "" {
			plan.Committee = nil
			for _, text := range strings.Split(*committee, ",") {
				oracle, err := strconv.Atoi(text)
				if err != nil || oracle < 0 || oracle >= len(plan.Oracles) || slices.Contains(plan.Committee, oracle) {
					return fmt.Errorf("--committee: %q is not another one of %d oracles", text, len(plan.Oracles))
				}
				plan.Committee = append(plan.Committee, oracle)
			}
		}
		plan.Config.Complete(len(plan.Committee))
		digest, err := network.Configure(ctx, dir, plan, secrets, *unchecked)
		if err != nil {
			return err
		}
		events.Emit("config", seat.Fields{"digest": digest.Hex(), "n": len(plan.Committee), "f": plan.Config.F})
		return nil
	}
}
