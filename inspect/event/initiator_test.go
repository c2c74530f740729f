package event

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TestEvidenceOfEveryProtocol: each protocol's messages are evidence, and those without evidence of their own go by their role.
func TestEvidenceOfEveryProtocol(t *testing.T) {
	own := map[l7.Proto]Initiator{
		l7.DNS: ByDNSQuery, l7.HTTP: ByHTTPRequest, l7.HTTP2: ByHTTPRequest, l7.TLS: ByTLSHello, l7.QUIC: ByQUICInitial,
	}
	for p := l7.None + 1; p < l7.Protos; p++ {
		request, response := InitiatorOf(p, l7.Request), InitiatorOf(p, l7.Response)
		if by, ok := own[p]; ok {
			assert.Equal(t, by, request, p)
			assert.Equal(t, by, response, p)
			continue
		}
		assert.Equal(t, ByRequest, request, p)
		assert.Equal(t, ByBanner, response, p)
	}
}
