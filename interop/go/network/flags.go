package network

import (
	"flag"
	"strconv"
	"strings"
	"time"
)

// DefaultConfig suits a chain with blocks of a second and observations over HTTP.
func DefaultConfig() Config {
	return Config{
		F:                                       -1,
		RMax:                                    10,
		DeltaProgress:                           Duration(4 * time.Second),
		DeltaResend:                             Duration(time.Second),
		DeltaRound:                              Duration(time.Second),
		DeltaGrace:                              Duration(100 * time.Millisecond),
		DeltaStage:                              Duration(2 * time.Second),
		MaxDurationInitialization:               Duration(5 * time.Second),
		MaxDurationShouldAcceptFinalizedReport:  Duration(time.Second),
		MaxDurationShouldTransmitAcceptedReport: Duration(time.Second),
		DeltaC:                                  Duration(10 * time.Second),
		MinAnswer:                               "1",
		MaxAnswer:                               "3138550867693340381917894711603833208051177722232017256447", // of an int192
	}
}

// Flags declares a flag for each field; what the configuration says is the default.
func (c *Config) Flags(flags *flag.FlagSet) {
	const share = "; 0: a share of delta-progress"
	flags.IntVar(&c.F, "f", c.F, "how many oracles may be faulty; -1: as many as possible")
	flags.Func("s", "transmission schedule, as 1,2,4; without it a stage for each oracle", func(text string) error {
		c.S = nil
		for _, part := range strings.Split(text, ",") {
			size, err := strconv.Atoi(part)
			if err != nil {
				return err
			}
			c.S = append(c.S, size)
		}
		return nil
	})
	flags.UintVar(&c.RMax, "r-max", c.RMax, "rounds of an epoch")
	for _, d := range []struct {
		value       *Duration
		name, usage string
	}{
		{&c.DeltaProgress, "delta-progress", "an epoch that brings no report ends after so long"},
		{&c.DeltaResend, "delta-resend", "NewEpoch is repeated so often"},
		{&c.DeltaRound, "delta-round", "rounds start at least so far apart"},
		{&c.DeltaGrace, "delta-grace", "late observations are awaited for so long"},
		{&c.DeltaStage, "delta-stage", "between stages of transmission"},
		{&c.MaxDurationInitialization, "max-duration-initialization", "of the plugin"},
		{&c.MaxDurationQuery, "max-duration-query", "of the plugin" + share},
		{&c.MaxDurationObservation, "max-duration-observation", "of the plugin" + share},
		{&c.MaxDurationReport, "max-duration-report", "of the plugin" + share},
		{&c.MaxDurationShouldAcceptFinalizedReport, "max-duration-should-accept", "of the plugin"},
		{&c.MaxDurationShouldTransmitAcceptedReport, "max-duration-should-transmit", "of the plugin"},
		{&c.DeltaC, "delta-c", "a report is due after so long"},
	} {
		flags.TextVar(d.value, d.name, *d.value, d.usage)
	}
	flags.BoolVar(&c.AlphaReportInfinite, "alpha-report-infinite", c.AlphaReportInfinite, "no report for a deviation")
	flags.Uint64Var(&c.AlphaReportPPB, "alpha-report-ppb", c.AlphaReportPPB, "deviation that merits a report")
	flags.BoolVar(&c.AlphaAcceptInfinite, "alpha-accept-infinite", c.AlphaAcceptInfinite, "no second pending report for a deviation")
	flags.Uint64Var(&c.AlphaAcceptPPB, "alpha-accept-ppb", c.AlphaAcceptPPB, "deviation that merits a second pending report")
	flags.StringVar(&c.MinAnswer, "min-answer", c.MinAnswer, "smallest answer of the contract")
	flags.StringVar(&c.MaxAnswer, "max-answer", c.MaxAnswer, "largest answer of the contract")
}

// Complete decides what was left open.
func (c *Config) Complete(n int) {
	if c.F < 0 {
		c.F = (n - 1) / 3
	}
	// Together they must stay below DeltaProgress.
	for duration, parts := range map[*Duration]Duration{&c.MaxDurationQuery: 8, &c.MaxDurationObservation: 2, &c.MaxDurationReport: 4} {
		if *duration == 0 {
			*duration = c.DeltaProgress / parts
		}
	}
}
