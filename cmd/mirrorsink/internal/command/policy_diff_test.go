package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// TestExportDiff: the exit status says whether a saved or a live group is what the policy makes, and what differs is printed.
func TestExportDiff(t *testing.T) {
	policy := policyFile(t, "allow: [{to: [www.example.com, .example.org]}]\n")
	saved := filepath.Join(t.TempDir(), "group")
	diff := func(group string, args ...string) result {
		return runHere(t, append([]string{"policy", "export", policy, "--as", "dns-firewall", "--diff", group}, args...)...)
	}
	require.NoError(t, os.WriteFile(saved, []byte(runHere(t, "policy", "export", policy, "--as", "dns-firewall").stdout), 0o600))
	equal := diff(saved)
	require.Equal(t, exitOK, equal.code, equal.stderr)
	require.Equal(t, "0 only in the group, 0 only in the policy, 3 in both\n", equal.stdout)

	require.NoError(t, os.WriteFile(saved, []byte("www.example.com\nexample.org\nold\x1b[2J.example\n"), 0o600))
	drift := diff(saved, "--quiet")
	require.Equal(t, exitFindings, drift.code, drift.stderr)
	require.Equal(t, "- old?[2j.example\n+ *.example.org\n1 only in the group, 1 only in the policy, 2 in both\n", drift.stdout)
	require.Empty(t, drift.stderr)

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "rslvr-fdl-1") || !strings.Contains(r.Header.Get("Authorization"), "/us-east-2/route53resolver/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"Domains":["www.example.com.","example.org.","*.example.org."]}`)
	}))
	defer s.Close()
	realserver.UseAWS(t, s.URL)
	require.Equal(t, exitOK, diff("arn:aws:route53resolver:us-east-2:111122223333:firewall-domain-list/rslvr-fdl-1").code)
	require.Equal(t, exitOK, diff("rslvr-fdl-1", "--region", "us-east-2").code)
	denied := diff("rslvr-fdl-2", "--region", "us-east-2")
	require.Equal(t, exitError, denied.code)
	require.Equal(t, 1, strings.Count(denied.stderr, "\n"), denied.stderr)

	for _, args := range [][]string{{"sg-1"}, {"arn:aws:sns:us-east-2:111122223333:x"}, {saved + ".none"}} {
		r := diff(args[0])
		require.NotEqual(t, exitOK, r.code)
		require.Contains(t, r.stderr, "--diff")
	}
	require.Contains(t, runHere(t, "policy", "export", policy, "--as", "dns-firewall", "--region", "x").stderr, "--region and --profile are for --diff")
}
