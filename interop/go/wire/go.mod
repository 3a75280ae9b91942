module github.com/smartcontractkit/libocr/ragep2p/ragep2pnew/dodona

go 1.24.0

require github.com/smartcontractkit/libocr v0.0.0-20251212213002-0a5e2f907dda
