package sink

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestInterfaceWatch(t *testing.T) {
	var ready readiness
	ready.Store(true)
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	vxlan := &interfaceWatch{name: "eth0", log: log, ready: &ready}
	geneve := &interfaceWatch{name: "eth0", log: log, ready: &ready}
	status := func() int {
		page := httptest.NewRecorder()
		ready.handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return page.Code
	}
	assert.Equal(t, http.StatusOK, status())
	vxlan.changed(errors.New("the interface is down"))
	geneve.changed(errors.New("the interface is down"))
	vxlan.changed(errors.New("no such device"))
	assert.Equal(t, http.StatusServiceUnavailable, status())
	vxlan.changed(nil)
	assert.Equal(t, http.StatusServiceUnavailable, status())
	geneve.changed(nil)
	assert.Equal(t, http.StatusOK, status())
	assert.Equal(t, 5, bytes.Count(text.Bytes(), []byte("interface=eth0")))
}
