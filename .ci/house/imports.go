package main

// in is where the parts of the program are that nobody else imports.
const in = "cmd/mirrorsink/internal/"

// mayImport is who may import what of ours. Imports only go down; what is not named here may import nothing of ours.
var mayImport = map[string][]string{
	"cmd/mirrorsink":     {in + "command"},
	"cmd/ec2-playground": {"sessions/ec2test"},
	in + "apply":         {"sessions"},
	in + "command": {
		in + "apply", in + "demo", in + "flags", in + "host", in + "manual", in + "simulate", in + "sink", in + "view", in + "watch",
		"sessions", "sessions/account", "sessions/aws", "sessions/awssdk", "sessions/doctor", "sessions/spec", "inspect/report", "inspect/report/page",
		"inspect/where", "decap/sim", "docs",
	},
	in + "demo": {
		in + "flags", in + "inventory", in + "simulate", in + "sink", in + "view", "sessions", "decap/rx/capture", "decap/sim",
		"decap/tx",
	},
	in + "flags": {"sessions/spec/yamlerror", "inspect/flowlog", "decap"},
	in + "forwarding": {
		in + "flags", in + "inventory", "inspect/event", "inspect/forward", "decap/netif", "decap/tx", "decap/tx/iface", "decap/tx/pcap",
		"decap/tx/vxlan",
	},
	in + "host":      {in + "flags", "sessions/doctor", "decap/rx"},
	in + "inventory": {in + "flags", "sessions", "sessions/account", "sessions/aws", "inspect/event", "inspect/mirror"},
	in + "manual":    {in + "flags"},
	in + "output": {
		in + "flags", "inspect", "inspect/event", "inspect/export", "inspect/export/aws", "inspect/export/eve", "inspect/export/parquet",
		"inspect/export/records", "inspect/flowlog",
	},
	in + "server":   {in + "flags"},
	in + "simulate": {in + "flags", in + "view", "sessions/spec/yamlerror", "inspect", "decap", "decap/rx/capture", "decap/sim", "decap/tx", "decap/tx/pcap"},
	in + "sink": {
		in + "flags", in + "forwarding", in + "host", in + "inventory", in + "output", in + "server", in + "view", "inspect",
		"inspect/event", "inspect/export/aws", "inspect/l7", "inspect/parallel", "inspect/pdns", "decap", "decap/rx", "decap/rx/capture",
		"decap/tx",
	},
	in + "view":  {in + "flags", "inspect", "inspect/event", "inspect/l7", "inspect/report"},
	in + "watch": {in + "apply", in + "flags", in + "server", "sessions", "sessions/aws", "sessions/spec"},

	"sessions":        {"sessions/account", "sessions/spec"},
	"sessions/aws":    {"sessions", "sessions/account", "sessions/awssdk"},
	"sessions/doctor": {"sessions", "sessions/account", "sessions/spec", "inspect/strictyaml"},
	"sessions/spec":   {"sessions/account", "inspect/strictyaml"},
	"inspect": {
		"inspect/causal", "inspect/dedup", "inspect/event", "inspect/flow", "inspect/forward", "inspect/frag", "inspect/l7", "inspect/mirror",
		"inspect/naming", "inspect/pdns", "inspect/stream", "decap",
	},
	"inspect/causal": {"inspect/flow", "decap"},
	"inspect/dedup":  {"inspect/event", "decap"},
	"inspect/event":  {"inspect/l7", "decap"},
	"inspect/export": {"inspect/event", "inspect/export/disk"},
	"inspect/export/aws": {
		"sessions/awssdk", "inspect/event", "inspect/export", "inspect/export/disk", "inspect/export/eve", "inspect/export/records",
	},
	"inspect/export/eve":       {"inspect/event", "inspect/export/ipproto", "inspect/l7"},
	"inspect/export/eventtest": {"inspect/event", "inspect/flowlog", "inspect/l7", "decap"},
	"inspect/export/parquet": {
		"inspect/event", "inspect/export", "inspect/export/disk", "inspect/export/ipproto", "inspect/export/records", "inspect/flowlog",
		"inspect/l7", "decap",
	},
	"inspect/export/records": {"inspect/event", "inspect/flowlog"},
	"inspect/flow":           {"inspect/event", "inspect/l7", "decap"},
	"inspect/forward": {
		"inspect/dedup", "inspect/event", "inspect/flow", "inspect/l7", "inspect/mirror", "inspect/stream", "inspect/where", "decap",
	},
	"inspect/frag":             {"decap"},
	"inspect/l7":               {"decap/wire"},
	"inspect/mirror":           {"inspect/event", "decap"},
	"inspect/naming":           {"inspect/event", "inspect/flow", "inspect/l7", "inspect/mirror", "inspect/pdns", "decap"},
	"inspect/parallel":         {"inspect", "inspect/dedup", "inspect/event", "inspect/flow", "inspect/l7", "inspect/mirror", "decap"},
	"inspect/policy":           {"inspect/strictyaml", "inspect/where"},
	"inspect/report":           {"inspect/flowlog", "inspect/report/input", "inspect/where"},
	"inspect/report/input":     {"inspect/flowlog"},
	"inspect/report/inputtest": {"inspect/flowlog"},
	"inspect/report/page":      {"inspect/report"},
	"inspect/stream":           {"inspect/event", "inspect/flow", "inspect/l7", "decap"},
	"decap":                    {"decap/wire"},
	"decap/rx":                 {"decap", "decap/mmsg", "decap/netif"},
	"decap/rx/capture":         {"decap"},
	"decap/sim":                {"decap"},
	"decap/tx":                 {"decap"},
	"decap/tx/iface":           {"decap", "decap/mmsg", "decap/netif", "decap/tx", "decap/tx/internal/outbox"},
	"decap/tx/internal/outbox": {"decap", "decap/tx"},
	"decap/tx/internal/txtest": {"decap", "decap/tx"},
	"decap/tx/pcap":            {"decap/tx"},
	"decap/tx/vxlan":           {"decap", "decap/mmsg", "decap/tx", "decap/tx/internal/outbox"},
}

// onlyIn is where libraries may be imported: each in few places, so that replacing one stays a small change.
var onlyIn = map[string][]string{
	"github.com/google/gopacket":            {"decap/tx/internal/txtest", "decap/tx/pcap"},
	"github.com/prometheus/client_golang":   {in + "sink", in + "watch"},
	"github.com/spf13/cobra":                {in + "command", in + "manual"},
	"github.com/spf13/pflag":                {in + "command", in + "flags", in + "forwarding", in + "inventory", in + "manual", in + "output"},
	"github.com/goccy/go-yaml":              {in + "flags", "sessions/spec/yamlerror", "decap/sim"},
	"github.com/aws":                        {"sessions/aws", "sessions/awssdk", "inspect/export/aws"},
	"github.com/parquet-go/parquet-go":      {"inspect/export/parquet", "inspect/report/input", "inspect/report/inputtest"},
	"github.com/expr-lang/expr":             {"inspect/where"},
	"golang.org/x/sys/unix":                 {in + "host", "inspect/flow", "decap/mmsg", "decap/netif", "decap/rx", "decap/rx/capture", "decap/tx/iface", "decap/tx/internal/txtest", "decap/tx/vxlan"},
	"github.com/hbollon/go-edlib":           {in + "flags", "inspect/strictyaml", "inspect/where"},
	"github.com/gaissmai/bart":              {"inspect/flowlog", "inspect/policy", "decap"},
	"go.yaml.in/yaml":                       {"inspect/strictyaml"},
	"github.com/stretchr/testify":           {},
	"github.com/quic-go/quic-go":            {},
	"pgregory.net/rapid":                    {},
	"github.com/santhosh-tekuri/jsonschema": {},
	"unsafe":                                {"inspect/causal", "inspect/event", "inspect/flow", "inspect/forward", "inspect/stream", "decap/mmsg", "decap/rx", "decap/tx/iface", "decap/tx/pcap", "decap/tx/vxlan"},
	"os/exec":                               {},
	"net/http/pprof":                        {},
	"expvar":                                {},
}
