package seat

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/big"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/networking"
	"github.com/smartcontractkit/libocr/networking/rageping"
	nettypes "github.com/smartcontractkit/libocr/networking/types"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median/evmreportcodec"
	libocr "github.com/smartcontractkit/libocr/offchainreporting2plus"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Options are what a driver decides for a whole process.
type Options struct {
	LogLevel string
	Log      *Lines
	Events   *Lines
	Messages bool // every protocol message is an event
	// DevelopmentMode lifts the reference's bounds on local settings and on the smallest timers of a configuration.
	DevelopmentMode bool
	PollInterval    time.Duration
	Generation      string        // overrides that of the file
	Lie             string        // one of Lies, or nothing: honest
	SignerDelay     time.Duration // how much longer a report signature takes at most
}

// Run takes the seat until ctx ends. The database may be a file that survives, or in memory.
func Run(ctx context.Context, file File, databasePath string, options Options) error {
	events := NewEvents(options.Events, Fields{"seat": file.Seat})
	defer events.Summary()
	logger, err := NewLogger(events, options.Log, options.LogLevel)
	if err != nil {
		return err
	}
	liar, err := newLiar(options.Lie, file.Keys.Offchain, events)
	if err != nil {
		return err
	}
	database, err := OpenDatabase(databasePath)
	if err != nil {
		return err
	}
	contract, err := OpenContract(ctx, file.Chain, events)
	if err != nil {
		return err
	}
	transmitter, err := NewTransmitter(ctx, contract, file.Keys.Transmitter)
	if err != nil {
		return err
	}
	defer transmitter.waiting.Wait()
	offchain, err := NewOffchainKeyring(file.Keys.Offchain, file.Keys.Config)
	if err != nil {
		return err
	}
	onchain, err := NewOnchainKeyring(file.Keys.Onchain)
	if err != nil {
		return err
	}
	juels, ok := new(big.Int).SetString(file.JuelsPerFeeCoin, 10)
	if !ok {
		return fmt.Errorf("juels_per_fee_coin %q is not a decimal integer", file.JuelsPerFeeCoin)
	}
	bootstrappers, err := locators(file.Network.Bootstrappers)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	peerConfig, err := options.peerConfig(file.Network, file.Keys.Peer, file.N, database, logger, registry)
	if err != nil {
		return err
	}
	peer, err := networking.NewPeer(peerConfig)
	if err != nil {
		return err
	}
	defer closing("peer", peer.Close, events)

	telemetry := newTelemetry(events, options.Messages)
	defer telemetry.close()
	oracle, err := libocr.NewOracle(libocr.OCR2OracleArgs{
		BinaryNetworkEndpointFactory: lyingNetwork{peer.OCR2BinaryNetworkEndpointFactory(), liar},
		V2Bootstrappers:              bootstrappers,
		ContractConfigTracker:        contract,
		ContractTransmitter:          transmitter,
		Database:                     database,
		LocalConfig:                  options.localConfig(file.Chain.Confirmations),
		Logger:                       logger,
		MonitoringEndpoint:           telemetry,
		MetricsRegisterer:            registry,
		OffchainConfigDigester:       contract.digester(),
		OffchainKeyring:              watchedKeyring{offchain, liar},
		OnchainKeyring:               distant{onchain, options.SignerDelay},
		ReportingPluginFactory: announcedFactory{events, lyingPlugins{liar: liar, ReportingPluginFactory: median.NumericalMedianFactory{
			ContractTransmitter:        contract,
			DataSource:                 market{file.Sources, file.MinSources, time.Duration(file.ObservationTimeoutMs) * time.Millisecond, events},
			JuelsPerFeeCoinDataSource:  constant{juels},
			GasPriceSubunitsDataSource: constant{new(big.Int)},
			Logger:                     logger,
			OnchainConfigCodec:         median.StandardOnchainConfigCodec{},
			ReportCodec:                evmreportcodec.ReportCodec{},
		}}},
	})
	if err != nil {
		return err
	}
	if err := oracle.Start(); err != nil {
		return err
	}
	events.Emit("started", Fields{
		"peer_id": peer.PeerID(), "generation": options.generation(file.Network), "listen": file.Network.Listen,
		"transmitter": transmitter.account, "signer": fmt.Sprintf("0x%x", onchain.PublicKey()),
	})
	<-ctx.Done()
	return oracle.Close()
}

// RunBootstrap introduces the committee of a contract to each other until ctx ends.
func RunBootstrap(ctx context.Context, file BootstrapFile, databasePath string, options Options) error {
	id, err := PeerID(file.Keys.Peer)
	if err != nil {
		return err
	}
	events := NewEvents(options.Events, Fields{"bootstrap": id})
	defer events.Summary()
	logger, err := NewLogger(events, options.Log, options.LogLevel)
	if err != nil {
		return err
	}
	database, err := OpenDatabase(databasePath)
	if err != nil {
		return err
	}
	contract, err := OpenContract(ctx, file.Chain, events)
	if err != nil {
		return err
	}
	bootstrappers, err := locators(file.Network.Bootstrappers)
	if err != nil {
		return err
	}
	const unknownN = 4 // until a configuration says it
	peerConfig, err := options.peerConfig(file.Network, file.Keys.Peer, unknownN, database, logger, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	peer, err := networking.NewPeer(peerConfig)
	if err != nil {
		return err
	}
	defer closing("peer", peer.Close, events)
	node, err := libocr.NewBootstrapper(libocr.BootstrapperArgs{
		BootstrapperFactory:    peer.OCR2BootstrapperFactory(),
		V2Bootstrappers:        bootstrappers,
		ContractConfigTracker:  contract,
		Database:               database,
		LocalConfig:            options.localConfig(file.Chain.Confirmations),
		Logger:                 logger,
		MonitoringEndpoint:     nil,
		OffchainConfigDigester: contract.digester(),
	})
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return err
	}
	events.Emit("started", Fields{"peer_id": id, "generation": options.generation(file.Network), "listen": file.Network.Listen})
	<-ctx.Done()
	return node.Close()
}

func closing(what string, close func() error, events *Events) {
	if err := close(); err != nil {
		events.Emit("close_failed", Fields{"what": what, "error": err.Error()})
	}
}

func (o Options) generation(network Network) string {
	if o.Generation != "" {
		return o.Generation
	}
	return network.Generation
}

func (o Options) localConfig(confirmations uint16) types.LocalConfig {
	config := types.LocalConfig{
		BlockchainTimeout:                  5 * time.Second,
		ContractConfigConfirmations:        max(confirmations, 1),
		SkipContractConfigConfirmations:    confirmations == 0,
		ContractConfigTrackerPollInterval:  o.PollInterval,
		ContractConfigLoadTimeout:          10 * time.Second,
		ContractTransmitterTransmitTimeout: 10 * time.Second,
		DatabaseTimeout:                    5 * time.Second,
		DefaultMaxDurationInitialization:   10 * time.Second,
		EnableTransmissionTelemetry:        true,
	}
	if o.DevelopmentMode {
		config.DevelopmentMode = types.EnableDangerousDevelopmentMode
	}
	return config
}

func (o Options) peerConfig(network Network, seed Secret, n int, database nettypes.DiscovererDatabase, logger commontypes.Logger, registry prometheus.Registerer) (networking.PeerConfig, error) {
	config := networking.PeerConfig{
		PrivKey:              ed25519.NewKeyFromSeed(seed[:]),
		Logger:               logger,
		V2ListenAddresses:    []string{network.Listen},
		V2AnnounceAddresses:  []string{network.Announce},
		V2DeltaReconcile:     DeltaReconcile(n),
		V2DeltaDial:          500 * time.Millisecond,
		V2DiscovererDatabase: database,
		V2EndpointConfig:     networking.EndpointConfigV2{IncomingMessageBufferSize: 10, OutgoingMessageBufferSize: 10},
		MetricsRegisterer:    registry,
		// As a production node has it: pings ride along on streams of their own.
		LatencyMetricsServiceConfigs: rageping.DefaultConfigs(),
	}
	if network.DeltaReconcileMs != 0 {
		config.V2DeltaReconcile = time.Duration(network.DeltaReconcileMs) * time.Millisecond
	}
	if network.DeltaDialMs != 0 {
		config.V2DeltaDial = time.Duration(network.DeltaDialMs) * time.Millisecond
	}
	switch generation := o.generation(network); generation {
	case "old":
	case "new":
		config.EnableExperimentalRageP2P = networking.DangerDangerEnableExperimentalRageP2P
	default:
		return config, fmt.Errorf("generation %q is neither old nor new", generation)
	}
	return config, nil
}

// DeltaReconcile suits n oracles: each period costs all of them together about n³ verifications of announcements. It must
// be about the same everywhere, because a receiver allows twice its own rate and starves a sender that is faster.
func DeltaReconcile(n int) time.Duration {
	switch {
	case n <= 7:
		return time.Second
	case n <= 16:
		return 5 * time.Second
	default:
		return 15 * time.Second
	}
}

func locators(texts []string) ([]commontypes.BootstrapperLocator, error) {
	found := []commontypes.BootstrapperLocator{}
	for _, text := range texts {
		var locator commontypes.BootstrapperLocator
		if err := locator.UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
		found = append(found, locator)
	}
	return found, nil
}

// distant is a signer that takes longer, now more and now less, as one on another machine would.
type distant struct {
	types.OnchainKeyring
	delay time.Duration
}

func (d distant) Sign(context types.ReportContext, report types.Report) ([]byte, error) {
	if d.delay > 0 {
		time.Sleep(rand.N(d.delay))
	}
	return d.OnchainKeyring.Sign(context, report)
}

// announcedFactory tells the driver which configuration starts to run, and as which oracle.
type announcedFactory struct {
	events *Events
	types.ReportingPluginFactory
}

func (f announcedFactory) NewReportingPlugin(ctx context.Context, c types.ReportingPluginConfig) (types.ReportingPlugin, types.ReportingPluginInfo, error) {
	plugin, info, err := f.ReportingPluginFactory.NewReportingPlugin(ctx, c)
	fields := Fields{"digest": c.ConfigDigest.Hex(), "oracle": c.OracleID, "n": c.N, "f": c.F}
	if err != nil {
		fields["error"] = err.Error()
	}
	f.events.Emit("config", fields)
	return plugin, info, err
}
