package command

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProposeImports: what others have seen is added to a policy, whose comments stay, and is not added twice.
func TestProposeImports(t *testing.T) {
	policy := policyFile(t, "# ours\nworkloads: {web: {vpc: vpc-1}}\nallow:\n  - {from: web, to: [www.example.com]} # the site\n")
	file := filepath.Join(t.TempDir(), "report.csv")
	require.NoError(t, os.WriteFile(file, []byte("Domain,Protocol,FirstAccessed,LastAccessed,Hits\nwww.example.com,HTTPS,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,5\napi.example.org,HTTPS,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,5\n"), 0o600))
	r := runHere(t, "policy", "propose", "--into", policy, "--write", "--import", file, "--import-workload", "web")
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Contains(t, r.stderr, "imported: 2 rows: 1 taken, 1 allowed already, 0 without a name")
	text, err := os.ReadFile(policy)
	require.NoError(t, err)
	const added = "  - from: web\n    to:\n      - api.example.org # 5 accesses imported, 2026-11-01 to 2026-11-02\n    ports: [tcp/443]\n"
	require.Equal(t, "# ours\nworkloads: {web: {vpc: vpc-1}}\nallow:\n  - {from: web, to: [www.example.com]} # the site\n"+added, string(text))
	r = runHere(t, "policy", "propose", "--into", policy, "--import", file, "--import-workload", "web", "--quiet")
	require.Equal(t, string(text), r.stdout)
	require.Empty(t, r.stderr)

	fresh := runHere(t, "policy", "propose", "--import", file)
	require.Equal(t, exitOK, fresh.code, fresh.stderr)
	require.Contains(t, fresh.stdout, "# Proposed by mirrorsink from 2 imported rows.\n")
	for _, args := range [][]string{{"--import-workload", "web"}, {"--import", file, "--import-workload", "nobody"}, {"--import", policy}, {"--import", file + ".none"}} {
		r := runHere(t, append([]string{"policy", "propose"}, args...)...)
		require.NotEqual(t, exitOK, r.code)
		require.Contains(t, r.stderr, "--import")
	}
}
